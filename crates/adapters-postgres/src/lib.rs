//! The ledger and its reports on PostgreSQL
