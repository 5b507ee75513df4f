"""What the API says about itself: the shapes of its answers and bodies, and one decorator that describes an operation.

`make schema` writes `portal/api/openapi.yaml` from it; what is described here is checked against what is answered.
"""
