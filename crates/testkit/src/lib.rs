//! In-memory adapters, contract suites and a throw-away Postgres, for tests only
