# The portal with both engines, for one machine: `docker compose up`. Not built in this project's CI (no Docker engine there).
FROM node:22-bookworm-slim AS engines
WORKDIR /engines
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=optional

FROM python:3.11-slim-bookworm
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 OPENBLAS_NUM_THREADS=1 KNOPFDRUCK_DATA_DIR=/data NODE_BIN=/usr/local/bin/node
WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY --from=engines /usr/local/bin/node /usr/local/bin/node
COPY --from=engines /engines/node_modules ./node_modules
COPY manage.py ./
COPY portal ./portal
COPY runner_images ./runner_images
COPY loadtests ./loadtests
RUN python -m compileall -q portal runner_images loadtests && useradd --system --home-dir /data --create-home knopfdruck
USER knopfdruck
VOLUME /data
EXPOSE 8000
# Signals go to the supervisor alone: django-q2 hangs when its whole group is told to end.
CMD ["python", "manage.py", "portal"]
