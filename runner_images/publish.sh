#!/usr/bin/env bash
# Builds a worker's image and pushes it to an ECR repository under a tag that is never given twice.
#   IMAGE_TARGET=fargate-artillery REPOSITORY_URI=123456789012.dkr.ecr.eu-central-1.amazonaws.com/workers IMAGE_TAG=<commit> \
#     AWS_REGION=eu-central-1 runner_images/publish.sh
# Credentials are what the AWS CLI finds; in GitHub Actions it takes the job's identity (AWS_ROLE_ARN) without an action of others.
set -euo pipefail

for name in IMAGE_TARGET REPOSITORY_URI IMAGE_TAG AWS_REGION; do
  [ -n "${!name:-}" ] || { echo "publish.sh: set $name." >&2; exit 2; }
done
case "$IMAGE_TARGET" in
  lambda-k6 | fargate-artillery | ec2) ;;
  *) echo "publish.sh: IMAGE_TARGET is '$IMAGE_TARGET'; use lambda-k6, fargate-artillery or ec2." >&2; exit 2 ;;
esac
platform="linux/${IMAGE_ARCHITECTURE:-amd64}"

if [ -n "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ]; then
  : "${AWS_ROLE_ARN:?publish.sh: set AWS_ROLE_ARN, the role that trusts this repository.}"
  AWS_WEB_IDENTITY_TOKEN_FILE="$(mktemp)"
  export AWS_WEB_IDENTITY_TOKEN_FILE
  trap 'rm -f "$AWS_WEB_IDENTITY_TOKEN_FILE"' EXIT
  curl --fail --silent --show-error --header "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
    "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=sts.amazonaws.com" \
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["value"], end="")' > "$AWS_WEB_IDENTITY_TOKEN_FILE"
fi

registry="${REPOSITORY_URI%%/*}"
image="$REPOSITORY_URI:$IMAGE_TARGET-$IMAGE_TAG"
aws ecr get-login-password --region "$AWS_REGION" | docker login --username AWS --password-stdin "$registry"
# --sbom and --provenance: what is in the image and how it was made, kept beside it.
docker buildx build --file runner_images/Dockerfile --target "$IMAGE_TARGET" --platform "$platform" --sbom=true --provenance=mode=max \
  --build-arg "K6_MORE=${K6_MORE-2.2.0}" --build-arg "K6_VERSION=${K6_VERSION:-1}" --tag "$image" --push .
# The stacks take the image by its digest (parameter RunnerImage).
docker buildx imagetools inspect "$image" --format '{{json .Manifest.Digest}}' | tr -d '"' | sed "s|^|$REPOSITORY_URI@|"
