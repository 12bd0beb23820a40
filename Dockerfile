# syntax=docker/dockerfile:1

# ---- The packages, installed where pip and its leftovers stay behind
FROM python:3.13-slim AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv --without-pip /opt/packages
COPY requirements.txt .
# Wheels only: nothing is compiled, so no compiler is needed here either.
RUN pip --python /opt/packages/bin/python install --require-hashes --only-binary :all: -r requirements.txt

# ---- What runs: Python, the packages, the application
FROM python:3.13-slim
ENV PATH=/opt/packages/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    APP_ENV=production \
    PORT=5000
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /srv/shop shop \
    && install --directory --owner shop --group shop /srv/shop/instance
WORKDIR /srv/shop
COPY --from=packages /opt/packages /opt/packages
COPY . .
RUN python -m compileall -q app config.py flask_app.py
USER shop
EXPOSE 5000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/livez', timeout=4)"]
# Migrations are a step of their own (compose.yaml, render.yaml): several instances starting must not race for them.
CMD ["gunicorn", "-c", "gunicorn.conf.py", "flask_app:app"]
