//! Embedded migrations are read at compile time: a new one must compile the crate again.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations/postgres");
}
