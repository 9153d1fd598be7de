//! The pages, one file each.

pub mod audit;
pub mod export;
pub mod health;
pub mod login;
pub mod notices;
pub mod overview;
pub mod paging;
pub mod purchases;
pub mod requests;
pub mod search;
pub mod user;
pub mod users;
