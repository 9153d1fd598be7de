//! Which tokens are taken, which are not, and whom they name.

mod asymmetric;
mod claims;
mod forged;
mod issuer;
mod issuing;
mod mint;
mod published;
mod rotation;
mod subjects;
