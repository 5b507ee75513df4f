"""The worker: takes one slot of a run, holds the engine until the common start, ships what it measures, and ends.

The same code on a laptop, Lambda, Fargate and EC2; only how it is woken differs. It never calls the portal and the
portal never calls it: all they exchange lies in the run store. It stops by itself at its deadline, when the stop
flag is set, on SIGTERM, and when the controller's pulse is too old. It imports no Django.
"""
