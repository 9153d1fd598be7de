# Shortcuts; each is one plain command.

# List the recipes.
default:
    @just --list

# Serve on 127.0.0.1:3001 (SQLite and a simulated model, unless .env says otherwise).
run:
    cargo run

# Everything that must pass: format, clippy, layers, all tests.
test:
    scripts/test

# Format and clippy only.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings

# The walls between the crates.
layers:
    scripts/check-layers

# The HTTP interface against its own OpenAPI document, by schemathesis (needs Python).
fuzz-api *options:
    scripts/fuzz-api {{options}}

# Benchmarks; the results go to BENCHMARKS.md.
bench:
    scripts/bench

# Prove that every balance follows from the journal.
verify:
    cargo run --quiet -- credits verify

# Make the tables, or bring them up to date.
migrate:
    cargo run --quiet -- migrate

# A token for the demo user, good for a day.
demo-token:
    @cargo run --quiet -- token --sub demo-user --ttl 24h

# An admin's token, good for a day.
demo-admin-token:
    @cargo run --quiet -- token --sub demo-admin --role admin --ttl 24h

# Postgres and the server in containers (see docker-compose.yml).
up:
    docker compose up --build --detach

# Stop them; the data stays.
down:
    docker compose down
