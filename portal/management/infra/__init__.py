"""The parts of `manage.py infra`: options, the tree to deploy, where to, and how it is printed."""
