# syntax=docker/dockerfile:1
# The engine as an image: built in one stage, the binary and the job files alone in the other.
FROM rust:1.95-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends g++ make pkg-config libclang-dev libssl-dev zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
# The caches outlive a build, so that a changed source file does not compile RocksDB and DataFusion again.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/target \
    CARGO_TARGET_DIR=/target cargo build --profile dist --locked --package cli \
 && install -D /target/dist/engine /out/engine

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libssl3 libstdc++6 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --create-home engine \
 && install -d -o engine -g engine /data /data/checkpoints /data/warehouse
COPY --from=build /out/engine /usr/local/bin/engine
COPY jobs /engine/jobs
WORKDIR /engine
ENV CHECKPOINTS=/data/checkpoints WAREHOUSE=/data/warehouse
USER engine
VOLUME /data
ENTRYPOINT ["engine"]
CMD ["--help"]
