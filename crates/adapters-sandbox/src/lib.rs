//! The simulated model, for a first run without keys, and for tests
