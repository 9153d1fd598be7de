//! Saldo's server.
