# NeuralLayers as a service on a CPU: `docker build -t neurallayers .`
# docs/how-to/run-in-a-container.md says how to run it.

ARG PYTHON_IMAGE=python:3.11-slim

# ------------------------------------------------------------------------------ what is installed

FROM ${PYTHON_IMAGE} AS build

# Where torch comes from: its builds for CPUs, a tenth of the size of those for GPUs. Left empty,
# it comes from where everything else does.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
# Where everything else comes from, if it is not pip's usual index.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_PROGRESS_BAR=off

WORKDIR /source
RUN python -m venv /opt/neurallayers
# Before the source, so that a change there does not install torch again.
COPY constraints.txt .
RUN if [ -n "$TORCH_INDEX" ]; then export PIP_INDEX_URL="$TORCH_INDEX"; fi; \
    /opt/neurallayers/bin/pip install -q --no-compile -c constraints.txt torch
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/neurallayers/bin/pip wheel -q --no-deps -w wheels . \
    && wheel="$(ls wheels/*.whl)" \
    && /opt/neurallayers/bin/pip install -q --no-compile -c constraints.txt "${wheel}[service,viz]" \
    && /opt/neurallayers/bin/pip uninstall -q -y pip setuptools
# Layers keep times in whole seconds, and Python and numba know compiled code by the time of its
# source: one whole second for all of it. (A file of torch's own tests is for newer Pythons only.)
RUN find /opt/neurallayers -name '*.py' -exec touch -d '2024-01-01T00:00:00Z' {} + \
    && /opt/neurallayers/bin/python -m compileall -q -j 0 -x '/torch/testing/' \
       /opt/neurallayers/lib

# ---------------------------------------------------------------------------------- what is run

FROM ${PYTHON_IMAGE}

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="NeuralLayers" \
      org.opencontainers.image.description="Brains that learn while they are served" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/neurallayers/neurallayers" \
      org.opencontainers.image.documentation="https://github.com/neurallayers/neurallayers/tree/main/docs" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# The numbers are fixed, so that folders of the host can be given to them.
RUN groupadd --gid 10001 neurallayers \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data \
       --shell /usr/sbin/nologin neurallayers \
    && install -d -o 10001 -g 10001 -m 0700 /data /var/cache/neurallayers

COPY --from=build /opt/neurallayers /opt/neurallayers
COPY deploy/healthcheck.py deploy/warm_up.py /opt/neurallayers/

# One thread computes, and no other thread of torch has anything to do.
ENV PATH=/opt/neurallayers/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OMP_NUM_THREADS=1 \
    NUMBA_CACHE_DIR=/var/cache/neurallayers \
    MPLCONFIGDIR=/var/cache/neurallayers \
    NEURALLAYERS_SERVICE_DATA=/data \
    NEURALLAYERS_HOST=0.0.0.0 \
    NEURALLAYERS_PORT=8077

WORKDIR /data
USER 10001:10001
# Compiles the kernels once, here. On a processor of another kind the first start does it again.
RUN python /opt/neurallayers/warm_up.py

# The second is filled with what was compiled when the container begins, and stays writable when
# nothing else is.
VOLUME ["/data", "/var/cache/neurallayers"]
EXPOSE 8077
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "/opt/neurallayers/healthcheck.py"]
ENTRYPOINT ["neurallayers"]
CMD ["serve"]
