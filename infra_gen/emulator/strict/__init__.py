"""What AWS refuses and the emulator would take. A rule is a function that raises `Refusal` with AWS's own error code.

The rules import neither ministack nor boto3, so they are tested by themselves; `infra_gen.emulator.gate` puts them in front of
the services. Each names its source: [B] botocore's service models, [D] a page of AWS's documentation, [L] the schemas that
cfn-lint carries, [K] known from use and not written down anywhere we could cite.
"""
