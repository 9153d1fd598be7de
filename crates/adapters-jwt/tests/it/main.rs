//! Which tokens are taken, which are not, and whom they name.

mod claims;
mod forged;
mod issuing;
mod mint;
mod subjects;
