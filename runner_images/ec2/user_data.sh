#!/bin/sh
# First boot of a worker. The image has everything else: this only says where the worker belongs, and starts it.
# CloudFormation fills in the words in braces; everything the shell shall expand is written without them.
set -eu
ROOT="$(printenv KNOPFDRUCK_ROOT || true)"
mkdir -p "$ROOT/etc/knopfdruck"
umask 077
cat > "$ROOT/etc/knopfdruck/worker.env" <<VALUES
KNOPFDRUCK_STORE=${KnopfdruckStore}
KNOPFDRUCK_GROUP=${KnopfdruckGroup}
KNOPFDRUCK_ENVIRONMENT=${KnopfdruckEnvironment}
KNOPFDRUCK_IDLE_MINUTES=${KnopfdruckIdleMinutes}
AWS_REGION=${AWS::Region}
VALUES
systemctl start knopfdruck-worker.service
