//! The contracts name each of their cases.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The cases of the files in `rooms` that `list` does not name.
fn forgotten(list: &str, rooms: &str) -> Vec<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let list = fs::read_to_string(source.join(list)).expect("the list");
    let listed: BTreeSet<&str> =
        list.lines().map(str::trim).filter_map(|line| line.strip_suffix(',')).collect();
    let mut forgotten = Vec::new();
    for room in files(&source.join(rooms)) {
        let room = fs::read_to_string(room).expect("its text");
        let cases = room.lines().filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next());
        forgotten.extend(cases.filter(|case| !listed.contains(case)).map(str::to_owned));
    }
    forgotten
}

fn files(rooms: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(rooms).expect("the rooms").map(|room| room.expect("a room").path());
    entries.filter(|path| path.is_file()).collect()
}

#[test]
fn every_case_of_the_ledger_is_in_the_list() {
    assert_eq!(forgotten("contract.rs", "contract"), [""; 0]);
}

#[test]
fn every_case_of_billing_is_in_the_list() {
    assert_eq!(forgotten("contract/billing.rs", "contract/billing"), [""; 0]);
}

#[test]
fn every_case_of_what_admins_see_is_in_the_list() {
    assert_eq!(forgotten("contract/admin.rs", "contract/admin"), [""; 0]);
}
