"""AWS on this machine without Docker: ministack in an environment of its own, its gaps filled by processes of the host.

Two interpreters meet here. `process.py` and `__main__.py` run from the checkout's and start the rest, which is imported only
inside `.venv-emulator` and keeps to the standard library and ministack. `strict/` refuses what AWS
refuses; its rules import neither.
"""
