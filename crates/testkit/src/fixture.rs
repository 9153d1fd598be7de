//! What a store hands to the contract suite.

use std::any::Any;
use std::sync::Arc;

use domain::ports::api_keys::ApiKeyBook;
use domain::ports::audit::{AuditBook, Recorder};
use domain::ports::billing::{Inbox, PurchaseBook, Till};
use domain::ports::books::Books;
use domain::ports::ledger::Ledger;
use domain::ports::overview::Overview;
use domain::ports::reports::Reports;
use domain::ports::statements::Statements;
use domain::ports::upkeep::Upkeep;
use domain::ports::vitals::Vitals;

/// A server on the books: everything that two of them may be asked at the same time.
pub trait Server: Ledger + Till + PurchaseBook + Inbox + ApiKeyBook + Reports {}

impl<S: Ledger + Till + PurchaseBook + Inbox + ApiKeyBook + Reports> Server for S {}

/// Empty books in some store, behind every port that the store implements.
pub struct Fixture {
    /// The ledger under test.
    pub ledger: Arc<dyn Ledger>,
    /// A second, independent server on the same books, where the store allows one.
    pub replica: Option<Arc<dyn Server>>,
    /// Reads of one account.
    pub statements: Arc<dyn Statements>,
    /// Background work.
    pub upkeep: Arc<dyn Upkeep>,
    /// Everything, for verification.
    pub books: Arc<dyn Books>,
    /// Figures over all users.
    pub reports: Arc<dyn Reports>,
    /// Looking at everybody's books.
    pub overview: Arc<dyn Overview>,
    /// Acts with their entries in the audit log.
    pub recorder: Arc<dyn Recorder>,
    /// Reads of the audit log.
    pub audit: Arc<dyn AuditBook>,
    /// Acts of buying.
    pub till: Arc<dyn Till>,
    /// Reads of purchases, subscriptions, profiles and notices.
    pub purchases: Arc<dyn PurchaseBook>,
    /// The payment provider's events.
    pub inbox: Arc<dyn Inbox>,
    /// Reads of API keys.
    pub api_keys: Arc<dyn ApiKeyBook>,
    /// Figures for operators.
    pub vitals: Arc<dyn Vitals>,
    /// What must live as long as the fixture: writers, a temporary directory, a database.
    pub guard: Box<dyn Any + Send>,
}

impl Fixture {
    /// Every server on these books.
    pub fn servers(&self) -> Vec<Arc<dyn Ledger>> {
        let replica = self.replica.clone().map(|replica| replica as Arc<dyn Ledger>);
        std::iter::once(Arc::clone(&self.ledger)).chain(replica).collect()
    }

    /// The figures as every server reads and folds them.
    pub fn all_reports(&self) -> Vec<Arc<dyn Reports>> {
        let replica = self.replica.clone().map(|replica| replica as Arc<dyn Reports>);
        std::iter::once(Arc::clone(&self.reports)).chain(replica).collect()
    }

    /// The till of every server.
    pub fn tills(&self) -> Vec<Arc<dyn Till>> {
        let replica = self.replica.clone().map(|replica| replica as Arc<dyn Till>);
        std::iter::once(Arc::clone(&self.till)).chain(replica).collect()
    }

    /// The purchases as every server reads them.
    pub fn purchase_books(&self) -> Vec<Arc<dyn PurchaseBook>> {
        let replica = self.replica.clone().map(|replica| replica as Arc<dyn PurchaseBook>);
        std::iter::once(Arc::clone(&self.purchases)).chain(replica).collect()
    }

    /// The API keys as every server reads them.
    pub fn api_key_books(&self) -> Vec<Arc<dyn ApiKeyBook>> {
        let replica = self.replica.clone().map(|replica| replica as Arc<dyn ApiKeyBook>);
        std::iter::once(Arc::clone(&self.api_keys)).chain(replica).collect()
    }

    /// The inbox as every server reads it.
    pub fn inboxes(&self) -> Vec<Arc<dyn Inbox>> {
        let replica = self.replica.clone().map(|replica| replica as Arc<dyn Inbox>);
        std::iter::once(Arc::clone(&self.inbox)).chain(replica).collect()
    }
}
