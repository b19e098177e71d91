# One image for each service, all from one build:
#   docker build --target webhook-ingest --tag webhook-ingest .
# Targets: webhook-ingest, media-processor, ai-analyzer, crm-dispatcher, notifier, management-api, migrate.

ARG RUST_VERSION=1.95
ARG DEBIAN=bookworm

FROM rust:${RUST_VERSION}-slim-${DEBIAN} AS chef
WORKDIR /src
RUN cargo install cargo-chef --version 0.1.78 --locked

# What the dependencies are, without our sources: as long as it stays the same, they come from the cache.
FROM chef AS plan
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM chef AS build
COPY --from=plan /src/recipe.json recipe.json
COPY .cargo .cargo
RUN cargo chef cook --profile fleet --recipe-path recipe.json --package webhook-ingest --package media-processor \
        --package ai-analyzer --package crm-dispatcher --package notifier --package management-api \
        --package pipeline --features pipeline/google
COPY . .
RUN cargo build --locked --profile fleet \
        --package webhook-ingest --bin webhook-ingest --features webhook-ingest/google \
        --package media-processor --bin media-processor --features media-processor/google \
        --package ai-analyzer --bin ai-analyzer --features ai-analyzer/google \
        --package crm-dispatcher --bin crm-dispatcher --features crm-dispatcher/google \
        --package notifier --bin notifier --features notifier/google \
        --package management-api --bin management-api --features management-api/google \
        --package pipeline --bin pipeline --features pipeline/google \
 && mkdir /out \
 && for program in webhook-ingest media-processor ai-analyzer crm-dispatcher notifier management-api pipeline; do \
        strip --strip-debug --strip-unneeded -o "/out/$program" "target/fleet/$program" || exit 1; \
    done

# No shell, no package manager, and nobody but `nonroot` (65532). Certificates and the C library are all there is.
FROM gcr.io/distroless/cc-debian12:nonroot AS base
ENV PORT=8080
EXPOSE 8080
USER 65532:65532

FROM base AS webhook-ingest
COPY --from=build /out/webhook-ingest /service
ENTRYPOINT ["/service"]

FROM base AS media-processor
COPY --from=build /out/media-processor /service
ENTRYPOINT ["/service"]

FROM base AS ai-analyzer
COPY --from=build /out/ai-analyzer /service
ENTRYPOINT ["/service"]

FROM base AS crm-dispatcher
COPY --from=build /out/crm-dispatcher /service
ENTRYPOINT ["/service"]

FROM base AS notifier
COPY --from=build /out/notifier /service
ENTRYPOINT ["/service"]

FROM base AS management-api
COPY --from=build /out/management-api /service
ENTRYPOINT ["/service"]

# The operator's program: run as a job before a new version of the services, it brings the schema up to date.
FROM base AS migrate
COPY --from=build /out/pipeline /pipeline
ENTRYPOINT ["/pipeline", "migrate", "--engine", "google"]
