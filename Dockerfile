# The toolchain of rust-toolchain.toml.
FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked -p api-server \
    && cp target/release/api-server /usr/local/bin/

FROM debian:bookworm-slim
# TLS to the model's provider and to Postgres needs the system's certificates.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /app saldo \
    && install --directory --owner=saldo --mode=700 /app/data
COPY --from=build /usr/local/bin/api-server /usr/local/bin/
WORKDIR /app
USER saldo
ENV APP_ENV=production HOST=0.0.0.0 PORT=3001
# The SQLite file, when DATABASE_URL=sqlite://data/saldo.db, and settlements that wait while the database is away.
VOLUME /app/data
EXPOSE 3001
# Whether the process answers. /readyz says more, but a container that is restarted because its database
# is away gains nothing. It speaks plain HTTP: where the server itself speaks TLS (TLS_CERT_FILE), give the container
# another check. METRICS_ADDR has a port of its own, which is not for the public and not exposed.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/${PORT} && printf 'GET /livez HTTP/1.0\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["api-server"]
CMD ["serve"]
