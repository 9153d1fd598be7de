//! The contract names each of its cases.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn every_case_is_in_the_list() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let list = fs::read_to_string(source.join("contract.rs")).expect("the list");
    let listed: BTreeSet<&str> =
        list.lines().map(str::trim).filter_map(|line| line.strip_suffix(',')).collect();
    let mut forgotten = Vec::new();
    for room in fs::read_dir(source.join("contract")).expect("the rooms") {
        let room = fs::read_to_string(room.expect("a room").path()).expect("its text");
        let cases = room.lines().filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next());
        forgotten.extend(cases.filter(|case| !listed.contains(case)).map(str::to_owned));
    }
    assert!(forgotten.is_empty(), "not in the list of ledger_contract!: {forgotten:?}");
}
