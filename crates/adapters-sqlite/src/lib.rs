//! The ledger and its reports on SQLite
