"""Workers that wait: EC2 instances of an Auto Scaling group, and tasks of an elastic ECS service.

They say who they are, claim calls from the pool's part of the run store, and run the same agent as everywhere: one at a
time, or one for each of several slots. An idle one is a hot spare: the call for a lost worker's replacement is a call
like any other.
"""
