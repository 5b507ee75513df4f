# The portal in one image: web, queue and ticker together, or apart by `manage.py portal --only web`.
# The bases are the workers' images' too (runner_images/Dockerfile), by tag and digest; a test holds them together.
# Everything is below /app with names relative to it: tests/images runs each of these steps as a plain process.
FROM node:22.21.1-bookworm-slim@sha256:25b3eb23a00590b7499f2a2ce939322727fcce1b15fdd69754fcd09536a3ae2c AS engines
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-progress

FROM python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d AS packages
WORKDIR /app
COPY requirements.txt ./
RUN python -m venv .venv
RUN .venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt

FROM python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d AS portal
RUN groupadd --gid 10001 knopfdruck \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data knopfdruck \
    && install --directory --owner=10001 --group=10001 /data
WORKDIR /app
COPY --from=packages /app/.venv ./.venv
COPY --from=engines /app/node_modules ./node_modules
COPY manage.py requirements.txt ./
COPY portal ./portal
COPY infra_gen ./infra_gen
COPY runner_images ./runner_images
COPY loadtests ./loadtests
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OPENBLAS_NUM_THREADS=1 \
    KNOPFDRUCK_DATA_DIR=/data \
    KNOPFDRUCK_STATIC_DIR=/app/static \
    KNOPFDRUCK_BIND=0.0.0.0:8000
# The static files belong to the image; the data folder of the build holds a secret key and goes.
RUN KNOPFDRUCK_DATA_DIR=build python manage.py collectstatic --no-input --verbosity 0 && rm -r build
RUN python -m compileall -q portal infra_gen runner_images loadtests
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
# Signals go to the supervisor alone: django-q2 hangs when its whole group is told to end.
CMD ["python", "manage.py", "portal"]
