//! The admin's pages and the playground, as a browser asks for them.

mod acts;
mod browser;
mod pages;
mod playground;
mod session;
