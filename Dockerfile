# An image of als-cli with all outputs and the report. It runs as an ordinary user, also on a read-only root file system.
#   docker build --tag als-cli .
#   docker run --rm --volume "$PWD:/data" als-cli run -c shop.yaml
ARG BASE=docker.io/library/python:3.13-slim

FROM ${BASE} AS build
WORKDIR /build
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY als_cli ./als_cli
RUN python3 -m venv /opt/als \
    && /opt/als/bin/pip install --no-cache-dir --constraint constraints.txt '.[postgres,duckdb,sqlite,delta,report]'

FROM ${BASE}
# Kernels are compiled for a family of CPUs, so that they fit every machine that the image runs on: x86-64-v3 has AVX2, as
# all servers since 2015. Use --build-arg CPU=generic for other architectures.
ARG CPU=x86-64-v3
ENV PATH=/opt/als/bin:$PATH \
    NUMBA_CACHE_DIR=/opt/als/kernels \
    NUMBA_CPU_NAME=${CPU} \
    NUMBA_CPU_FEATURES= \
    PYTHONDONTWRITEBYTECODE=1
# OpenMP is for the item-item baselines, which the library implicit computes.
RUN apt-get update \
    && apt-get install --no-install-recommends --yes libgomp1 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/als /opt/als
RUN als compile && useradd --create-home --uid 1000 als
USER als
WORKDIR /data
# The kernels of the image run on this machine.
HEALTHCHECK --interval=5m --timeout=30s CMD ["als", "compile", "--check"]
ENTRYPOINT ["als"]
CMD ["--help"]
