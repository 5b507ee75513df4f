"""The system under test that ships with the project: a shop of four small services, each its own process.

product (catalogue), user (accounts and log-in), checkout (carts and orders), analytics (events and reports).
They keep just enough state for a real journey and never call each other: the catalogue is fixed and a log-in
token carries its own signature. Besides its business routes every service answers /health, /__counters,
/__reset and /__faults; those four are never counted and never slowed down. `python -m loadtests.shop` starts
all of them.
"""

SERVICES = ("product", "user", "checkout", "analytics")

#: The first service's port; the others follow in the order above.
BASE_PORT = 18101
