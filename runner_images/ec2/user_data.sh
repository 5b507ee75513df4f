#!/bin/sh
# First boot of a worker. The image has everything else: this only says where the worker belongs, and starts it.
# CloudFormation fills in the words in braces; everything the shell shall expand is written without them.
set -eu
ROOT="$(printenv KNOPFDRUCK_ROOT || true)"
umask 027
mkdir -p "$ROOT/etc/knopfdruck" "$ROOT/var/lib/knopfdruck"
cat > "$ROOT/etc/knopfdruck/worker.env" <<VALUES
KNOPFDRUCK_PLACE=ec2
KNOPFDRUCK_STORE=${KnopfdruckStore}
KNOPFDRUCK_GROUP=${KnopfdruckGroup}
KNOPFDRUCK_ENVIRONMENT=${KnopfdruckEnvironment}
KNOPFDRUCK_IDLE_MINUTES=${KnopfdruckIdleMinutes}
KNOPFDRUCK_WORK_DIR=$ROOT/var/lib/knopfdruck/work
KNOPFDRUCK_HEARTBEAT_FILE=$ROOT/var/lib/knopfdruck/heartbeat
AWS_REGION=${AWS::Region}
VALUES
systemctl start knopfdruck-worker.service
