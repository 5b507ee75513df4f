"""Where workers run. A backend is one file, one line here, its stack and its tests.

LIMITS are what each backend name can do, the same wherever it runs: a plan that Lambda refuses is refused on a laptop.
"""

from __future__ import annotations

from datetime import timedelta

from portal.core.sizing import Limits

BACKENDS = {
    ("local", "lambda"): "portal.backends.local:LocalBackend",
    ("local", "fargate"): "portal.backends.local:LocalBackend",
    ("local", "ec2"): "portal.backends.local:LocalBackend",
    ("aws", "lambda"): "portal.backends.aws_lambda:LambdaBackend.open",
    ("aws", "fargate"): "portal.backends.fargate:FargateBackend.open",
    ("aws", "ec2"): "portal.backends.ec2:Ec2Backend.open",
}
"""By place and name."""

LIMITS = {
    "lambda": Limits(
        engines=("k6",), longest=timedelta(minutes=14), most_workers=1000, vus_per_worker=200,
        advice="Lambda ends a function after 15 minutes; start it on fargate or ec2 instead, or ask for it sliced.",
        longest_slice=timedelta(minutes=11),
    ),
    "fargate": Limits(
        engines=("k6", "artillery"), longest=timedelta(days=7), most_workers=500, vus_per_worker=500,
        advice="Split it into several runs.", is_elastic=True,
    ),
    "ec2": Limits(
        engines=("k6", "artillery"), longest=timedelta(days=7), most_workers=1000, vus_per_worker=2000,
        advice="Split it into several runs.",
    ),
}  # fmt: skip
