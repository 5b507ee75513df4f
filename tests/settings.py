"""The portal's settings with a data folder of the test run's own; nothing of a developer's installation is touched."""

import atexit
import os
import shutil
import tempfile

_folder = tempfile.mkdtemp(prefix="knopfdruck-tests-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ["KNOPFDRUCK_DATA_DIR"] = _folder
os.environ["KNOPFDRUCK_API_RATE"] = "1000000"  # Tests of the throttle set their own.
os.environ["KNOPFDRUCK_STORE"] = f"file://{_folder}/store"

from portal.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Without it WhiteNoise scans the static files anew for every test client.
WHITENOISE_AUTOREFRESH = True

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file as in life: an in-memory database is shared between threads under other locks, without waiting.
    DATABASES["default"]["TEST"] = {"NAME": f"{_folder}/test.sqlite3"}  # noqa: F405
