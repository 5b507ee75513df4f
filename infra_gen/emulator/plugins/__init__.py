"""What ministack lacks, one gap a file. Each has `install()`, called once before the server starts; see `private_names.py`."""
