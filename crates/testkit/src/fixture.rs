//! What a store hands to the contract suite.

use std::any::Any;
use std::sync::Arc;

use domain::ports::books::Books;
use domain::ports::ledger::Ledger;
use domain::ports::reports::Reports;
use domain::ports::statements::Statements;
use domain::ports::upkeep::Upkeep;

/// Empty books in some store, behind every port that the store implements.
pub struct Fixture {
    /// The ledger under test.
    pub ledger: Arc<dyn Ledger>,
    /// A second, independent server on the same books, where the store allows one.
    pub replica: Option<Arc<dyn Ledger>>,
    /// Reads of one account.
    pub statements: Arc<dyn Statements>,
    /// Background work.
    pub upkeep: Arc<dyn Upkeep>,
    /// Everything, for verification.
    pub books: Arc<dyn Books>,
    /// Figures over all users.
    pub reports: Arc<dyn Reports>,
    /// What must live as long as the fixture: writers, a temporary directory, a database.
    pub guard: Box<dyn Any + Send>,
}

impl Fixture {
    /// Every server on these books.
    pub fn servers(&self) -> Vec<Arc<dyn Ledger>> {
        std::iter::once(&self.ledger).chain(&self.replica).cloned().collect()
    }
}
