//! One batch in one transaction: what the group commit runs.

use std::collections::BTreeMap;

use diesel::SqliteConnection;
use domain::clock::Timestamp;
use domain::ids::UserId;
use domain::ledger::batch;
use domain::ledger::command::{Command, Receipt, Refusal};
use group_commit::{Commit, Failure};

use crate::error::StoreError;
use crate::load::{self, Books};
use crate::save;
use crate::turn::Turn;

/// The store, as the group commit sees it. Blocks the thread it runs on.
pub struct Batches {
    turn: Turn,
}

impl Batches {
    /// Commits through the connection of `turn`.
    pub fn new(turn: Turn) -> Self {
        Self { turn }
    }
}

impl Commit for Batches {
    type Command = Command;
    type Answer = Result<Receipt, Refusal>;

    async fn commit(&mut self, commands: &[Command]) -> Result<Vec<Self::Answer>, Failure> {
        let mut side = self.turn.lock().await;
        side.transact(|connection| run(connection, commands)).map_err(StoreError::into_failure)
    }
}

fn run(
    connection: &mut SqliteConnection,
    commands: &[Command],
) -> Result<Vec<Result<Receipt, Refusal>>, StoreError> {
    let (first, last) = times(commands);
    let Books { loaded, fresh } = load::load(connection, &batch::needs(commands), &first)?;
    let decided = batch::decide(loaded, commands).map_err(|overflow| contradiction(commands, overflow))?;
    if !decided.changes_nothing() {
        save::save(connection, &decided, &fresh, &last)?;
    }
    Ok(decided.results)
}

/// When the first command of each account was asked for, and the latest one.
fn times(commands: &[Command]) -> (BTreeMap<UserId, Timestamp>, BTreeMap<UserId, Timestamp>) {
    let (mut first, mut last) = (BTreeMap::new(), BTreeMap::<UserId, Timestamp>::new());
    for command in commands {
        let (user, at) = (command.user(), command.now().at);
        first.entry(user).or_insert(at);
        last.entry(user).and_modify(|latest| *latest = at.max(*latest)).or_insert(at);
    }
    (first, last)
}

/// Names an account; the right one once the batch was split down to the command at fault.
fn contradiction(commands: &[Command], overflow: domain::credits::Overflow) -> StoreError {
    let user = commands.first().map_or(UserId::from_bytes([0; 16]), Command::user);
    StoreError::Contradiction { user, overflow }
}

#[cfg(test)]
mod tests {
    use domain::audit::AuditedAct;
    use domain::billing::purchase::{Names, Progress, ReturnState};
    use domain::ledger::account::SuspensionSource;
    use testkit::requests::api_keys::{ApiKeyExt, api_key, revoke};
    use testkit::requests::billing::{
        NewsExt, OpenExt, auto_top_up, invoice, news, open, subscription, top_up,
    };
    use testkit::requests::{
        At, GrantExt, HoldExt, SettleExt, adjust, claw_back, expire, grant, hold, note, resume, settle,
        suspend, user, void,
    };

    use super::*;
    use crate::watch::{plan, watched};

    /// One batch of each kind of command, and more than one state of what they meet.
    fn batches() -> Vec<Vec<Command>> {
        let admin = SuspensionSource::admin();
        let (keyed, plain, late) = (hold(user(1)).keyed("k"), hold(user(1)), hold(user(1)).lasting(5));
        let (keyed_id, plain_id, late_id) = (keyed.id, plain.id, late.id);
        vec![
            vec![Command::Grant(grant(user(1), "p").of(1000).because("a gift").due(500))],
            vec![Command::Hold(keyed), Command::Hold(plain), Command::Hold(late)],
            vec![Command::Settle(settle(user(1), keyed_id).answered("k", "a").keeping("q", "a"))],
            vec![Command::Void(void(user(1), plain_id))],
            vec![Command::Expire(expire(user(1), &[late_id]).at(10))],
            vec![Command::ClawBack(claw_back(user(1), "p", 100, 100).at(20))],
            vec![Command::ClawBack(claw_back(user(1), "p", 50, 100).at(30))],
            vec![Command::Adjust(adjust(user(1), "a", -100))],
            vec![Command::Suspend(suspend(user(1), admin.clone()))],
            vec![Command::Resume(resume(user(1), admin.clone()))],
            vec![Command::Audited(Box::new(AuditedAct {
                note: note("account.suspend", user(1)),
                act: Command::Suspend(suspend(user(1), admin)),
            }))],
            vec![Command::Grant(grant(user(1), "p"))],
        ]
    }

    /// The same of buying, by another user.
    fn batches_of_buying() -> Vec<Vec<Command>> {
        const LATER: i64 = 2 * testkit::time::DAY;
        let user = user(2);
        let (pack, charged) = (open(user).keyed("k"), top_up(user));
        let (pack_id, top_up_id) = (pack.id, charged.id);
        let payment = |request| Command::ObservePayment(Box::new(request));
        let customer = Names { customer: Some("cus_1".to_owned()), ..Names::default() };
        vec![
            vec![Command::SetTopUp(auto_top_up(user)), Command::OpenPurchase(charged)],
            vec![payment(news(user, top_up_id).unpaid(Progress::Failed))],
            vec![Command::OpenPurchase(pack)],
            vec![payment(news(user, pack_id).paid().names(customer).at(1))],
            vec![payment(news(user, pack_id).dispute("dp_1", 2900, ReturnState::Open, 2).at(2))],
            vec![payment(news(user, pack_id).dispute("dp_1", 2900, ReturnState::Won, 3).at(3))],
            vec![Command::OpenPurchase(open(user).keyed("k").at(LATER))],
            vec![payment(invoice(user, "in_1", LATER).month_paid().at(4))],
            vec![Command::ObserveSubscription(subscription(user, "sub_1"))],
        ]
    }

    /// The same of API keys, by a third one.
    fn batches_of_api_keys() -> Vec<Vec<Command>> {
        let user = user(3);
        let key = api_key(user).capped(100);
        let id = key.id;
        let held = hold(user).under(id);
        let hold_id = held.id;
        vec![
            vec![
                Command::CreateApiKey(Box::new(key)),
                Command::CreateApiKey(Box::new(api_key(user).until(9))),
            ],
            vec![Command::Grant(grant(user, "p"))],
            vec![Command::Hold(held)],
            vec![Command::Settle(settle(user, hold_id).under(id))],
            vec![Command::RevokeApiKey(revoke(user, id))],
        ]
    }

    #[test]
    fn a_batch_without_buying_or_keys_runs_no_statement_of_them() {
        let (mut connection, seen, _directory) = watched();
        for batch in batches() {
            let answers = connection.immediate_transaction(|connection| run(connection, &batch));
            answers.expect("the batch is stored");
        }
        let tables = ["purchase", "subscriptions", "billing_profiles", "api_keys"];
        let of_those = |statement: &String| tables.iter().any(|table| statement.contains(table));
        let ran: Vec<_> = seen.run().into_iter().filter(|statement| of_those(statement)).collect();
        assert!(!seen.run().is_empty() && ran.is_empty(), "{ran:#?}");
    }

    #[test]
    fn every_statement_of_a_batch_is_prepared_once_and_seeks_in_an_index() {
        let (mut connection, seen, _directory) = watched();
        for batch in batches().into_iter().chain(batches_of_buying()).chain(batches_of_api_keys()) {
            let answers = connection.immediate_transaction(|connection| run(connection, &batch));
            for answer in answers.expect("the batch is stored") {
                answer.expect("no refusal");
            }
        }
        let (run, kept) = (seen.run(), seen.kept());
        let prepared_each_time: Vec<_> = run.difference(&kept).filter(|it| it.contains('?')).collect();
        assert!(prepared_each_time.is_empty(), "{prepared_each_time:#?}");

        for statement in kept.iter().filter(|it| !it.starts_with("INSERT") && !it.starts_with("REPLACE")) {
            let plan = plan(&mut connection, statement);
            assert!(!plan.contains("SCAN"), "{statement}: {plan}");
            for (condition, index) in [
                ("remaining > 0", "credit_grants_live"),
                ("state = 'open'", "credit_holds_open"),
                ("kind IN (", "credit_journal_posted_once"),
                ("`parent_id` =", "credit_grants_parent"),
                ("`revoked_at` IS NULL", "api_keys_unrevoked"),
            ] {
                assert!(!statement.contains(condition) || plan.contains(index), "{statement}: {plan}");
            }
        }
    }
}
