//! The books in memory keep the contract of a store.

use testkit::Fixture;
use testkit::memory::MemoryStore;

async fn fresh() -> Fixture {
    MemoryStore::fixture()
}

testkit::ledger_contract!(fresh);
testkit::billing_contract!(fresh);
testkit::admin_contract!(fresh);
