"""The subcommands of `manage.py loadtest`: arguments, one module per thing to do, and what is printed.

They call the same use cases as the API, in this process; nothing goes over HTTP.
"""
