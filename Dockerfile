# One image for web, workers and beat; which one it is, the command says (docker-compose.yml).

FROM node:22-bookworm-slim AS front
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM python:3.12-slim-bookworm
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data STATIC_ROOT=/app/staticfiles HOST=0.0.0.0
# pg_dump for backups; everything else is in wheels.
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --create-home zhike && install -d -o zhike -g zhike /data /app
WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY --from=front /app/node_modules ./node_modules
COPY . .
# Static files and translations are the same for every deployment: made here, with keys that nobody keeps.
RUN DATA_DIR=/tmp/build python manage.py prepare --build \
    && rm -rf /tmp/build node_modules && chown -R zhike:zhike /data
USER zhike
VOLUME /data
EXPOSE 8000
CMD ["python", "-m", "granian", "--interface", "wsgi", "scrm.wsgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--workers", "2", "--blocking-threads", "8", "--no-ws", "--respawn-failed-workers", "--workers-kill-timeout", "15"]
