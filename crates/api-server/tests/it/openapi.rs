//! The OpenAPI document: that it says what is served, and that what it says is true.

mod access;
mod bounds;
mod document;
mod examples;
mod page;
mod routes;
