//! The rules once more, as naively as they can be said: plain integers, one credit at a time, nothing
//! cached, nothing shared with the ledger but the shape of its requests and refusals.

use std::collections::{BTreeMap, BTreeSet};

use domain::clock::Timestamp;
use domain::credits::Credits;
use domain::ids::{ApiKeyId, HoldId, UserId};
use domain::ledger::account::Balances;
use domain::ledger::command::{
    AdjustRequest, ClawBackRequest, CloseRequest, Command, CreateApiKeyRequest, GrantRequest, HoldRequest,
    Receipt, Refusal, SettleRequest,
};

/// What an act came to, with the sums after it where the ledger tells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Held(i64, Sums),
    Replay { charged: i64, remaining: i64 },
    Settled { charged: i64, absorbed: i64, sums: Sums, repeated: bool },
    Voided(bool),
    Posted { amount: i64, sums: Sums, repeated: bool },
    Clawed(i64, Sums),
    Standing(usize),
    Expired(usize),
    Closed { forfeited: i64, repeated: bool },
    ApiKey(ApiKey),
    No(Refusal),
}

/// Total, used, held, available, owed.
pub type Sums = [i64; 5];

pub fn sums(balances: Balances) -> Sums {
    let Balances { total, used, held, available, owed } = balances;
    [total, used, held, available, owed].map(Credits::get)
}

/// What the ledger answered, in the model's words.
pub fn answer(result: &Result<Receipt, Refusal>) -> Answer {
    match result.clone() {
        Ok(Receipt::Held(it)) => Answer::Held(it.amount.get(), sums(it.balances)),
        Ok(Receipt::Replay(it)) => {
            Answer::Replay { charged: it.charged.get(), remaining: it.remaining.get() }
        }
        Ok(Receipt::Settled(it)) => Answer::Settled {
            charged: it.charged.get(),
            absorbed: it.absorbed.get(),
            sums: sums(it.balances),
            repeated: it.repeated,
        },
        Ok(Receipt::Voided(returned)) => Answer::Voided(returned),
        Ok(Receipt::Posted(it)) => {
            Answer::Posted { amount: it.amount.get(), sums: sums(it.balances), repeated: it.repeated }
        }
        Ok(Receipt::ClawedBack(it)) => Answer::Clawed(it.clawed.get(), sums(it.balances)),
        Ok(Receipt::Standing(count)) => Answer::Standing(usize::try_from(count).unwrap()),
        Ok(Receipt::Expired(count)) => Answer::Expired(usize::try_from(count).unwrap()),
        Ok(Receipt::Closed(it)) => Answer::Closed { forfeited: it.forfeited.get(), repeated: it.repeated },
        Ok(Receipt::ApiKey(key)) => Answer::ApiKey(ApiKey::of(&key)),
        Ok(Receipt::Payment(_) | Receipt::AlertsSet(_) | Receipt::Recorded) => {
            panic!("has a test of its own")
        }
        Err(refusal) => Answer::No(refusal),
    }
}

/// A key, as far as it decides anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    cap: Option<i64>,
    spent: i64,
    until: i64,
    revoked: Option<i64>,
}

impl ApiKey {
    /// A key of the ledger.
    pub fn of(key: &domain::api_keys::ApiKey) -> Self {
        Self {
            cap: key.spend_cap.map(Credits::get),
            spent: key.spent.get(),
            until: key.expires_at.map_or(NEVER, Timestamp::as_micros),
            revoked: key.revoked_at.map(Timestamp::as_micros),
        }
    }
}

/// Every user.
#[derive(Clone, Debug, Default)]
pub struct Model {
    pub users: BTreeMap<UserId, Account>,
}

/// One user: what came, what went, and nothing that follows from them.
#[derive(Clone, Debug, Default)]
pub struct Account {
    granted: i64,
    adjusted: i64,
    expired: i64,
    clawed: i64,
    charged: i64,
    was_granted: bool,
    posted: BTreeMap<String, i64>,
    pub lots: Vec<Lot>,
    holds: BTreeMap<HoldId, Hold>,
    keys: BTreeMap<String, Key>,
    pub api_keys: BTreeMap<ApiKeyId, ApiKey>,
    suspended_by: BTreeSet<String>,
    closed: bool,
}

#[derive(Clone, Debug)]
pub struct Lot {
    pub source: String,
    /// The lots' order where nothing else tells them apart.
    id: [u8; 16],
    restores: Option<String>,
    amount: i64,
    pub left: i64,
    expired: i64,
    clawed: i64,
    clawed_at: i64,
    made: i64,
    due: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Settled { charged: i64, absorbed: i64 },
    Voided,
    Expired,
}

#[derive(Clone, Debug)]
struct Hold {
    amount: i64,
    made: i64,
    until: i64,
    key: Option<String>,
    api_key: Option<ApiKeyId>,
    state: State,
}

#[derive(Clone, Debug)]
struct Key {
    hold: HoldId,
    asks: [u8; 32],
    made: i64,
    answer: Option<(i64, i64)>,
}

const NEVER: i64 = i64::MAX;
const A_DAY: i64 = 24 * 3600 * 1_000_000;

impl Model {
    pub fn act(&mut self, command: &Command) -> Answer {
        let (user, now) = (command.user(), command.now().at.as_micros());
        let makes_account = matches!(
            command,
            Command::Grant(_)
                | Command::Adjust(_)
                | Command::Suspend(_)
                | Command::Close(_)
                | Command::CreateApiKey(_)
        );
        if makes_account {
            self.users.entry(user).or_default();
        }
        let mut nobody = Account::default();
        let account = self.users.get_mut(&user).unwrap_or(&mut nobody);
        account.let_time_pass(now);
        let answer = match command {
            Command::Hold(it) => account.hold(it, now),
            Command::Settle(it) => account.settle(it, now),
            Command::Void(it) => account.void(it.hold),
            Command::Grant(it) => account.grant(it, now),
            Command::Adjust(it) => account.adjust(it, now),
            Command::ClawBack(it) => account.claw_back(it, now),
            Command::Suspend(it) => {
                account.suspended_by.insert(it.source.as_str().to_owned());
                Answer::Standing(account.suspended_by.len())
            }
            Command::Resume(it) => {
                account.suspended_by.remove(it.source.as_str());
                Answer::Standing(account.suspended_by.len())
            }
            Command::Expire(it) => Answer::Expired(account.lose(&it.lost)),
            Command::CreateApiKey(it) => account.create_api_key(it),
            Command::RevokeApiKey(it) => match account.api_keys.get_mut(&it.id) {
                None => Answer::No(Refusal::ApiKeyUnknown),
                Some(key) => {
                    key.revoked = key.revoked.or(Some(now));
                    Answer::ApiKey(key.clone())
                }
            },
            Command::OpenPurchase(_)
            | Command::ObservePayment(_)
            | Command::ObserveSubscription(_)
            | Command::SetTopUp(_)
            | Command::SetAlerts(_)
            | Command::Audited(_)
            | Command::Record(_) => panic!("has a test of its own"),
            Command::Close(it) => account.close(it, now),
        };
        // What a hold gave back to a lot that is due is gone when the act is over.
        if matches!(command, Command::Void(_) | Command::Expire(_)) {
            account.let_time_pass(now);
        }
        answer
    }
}

impl Account {
    pub fn total(&self) -> i64 {
        self.granted + self.adjusted - self.expired - self.clawed
    }

    pub fn clawed(&self) -> i64 {
        self.clawed
    }

    fn held(&self) -> i64 {
        self.open().map(|hold| hold.amount).sum()
    }

    fn open(&self) -> impl Iterator<Item = &Hold> {
        self.holds.values().filter(|hold| hold.state == State::Open)
    }

    pub fn sums(&self) -> Sums {
        let free = self.total() - self.charged - self.held();
        [self.total(), self.charged, self.held(), free.max(0), (-free).max(0)]
    }

    fn available(&self) -> i64 {
        self.sums()[3]
    }

    /// Holds end by themselves; of lots that are due, so much stays as holds made before may burn, and
    /// as all holds together are worth.
    pub fn let_time_pass(&mut self, now: i64) {
        for hold in self.holds.values_mut() {
            if hold.state == State::Open && hold.until <= now {
                hold.state = State::Expired;
            }
        }
        let mut kept = 0;
        for index in self.burn_order(|_| true) {
            let due = self.lots[index].due;
            if due > now {
                continue;
            }
            let needed: i64 = self.open().filter(|hold| hold.made < due).map(|hold| hold.amount).sum();
            for _ in 0..self.lots[index].left {
                let left_over = self.total() - self.charged - self.held() + self.clawed;
                if kept < needed {
                    kept += 1;
                } else if left_over > 0 {
                    self.lots[index].left -= 1;
                    self.lots[index].expired += 1;
                    self.expired += 1;
                }
            }
        }
    }

    fn hold(&mut self, it: &HoldRequest, now: i64) -> Answer {
        if let Some(first) = self.holds.get(&it.id) {
            return Answer::Held(first.amount, self.sums());
        }
        if self.closed {
            return Answer::No(Refusal::Closed);
        }
        let lives = |key: &ApiKey| key.revoked.is_none() && now < key.until;
        if it.api_key.is_some_and(|id| !self.api_keys.get(&id).is_some_and(lives)) {
            return Answer::No(Refusal::ApiKeyEnded);
        }
        if !self.suspended_by.is_empty() {
            return Answer::No(Refusal::Suspended);
        }
        if let Some(keyed) = &it.key
            && let Some(known) = self.keys.get(keyed.key.as_str())
        {
            let other = known.asks != keyed.fingerprint;
            match self.holds[&known.hold].state {
                State::Open if other => return Answer::No(Refusal::KeyMismatch),
                State::Open => return Answer::No(Refusal::KeyInProgress),
                State::Settled { .. } if now - known.made >= A_DAY => {}
                State::Settled { .. } if other => return Answer::No(Refusal::KeyMismatch),
                State::Settled { .. } => {
                    return match known.answer {
                        Some((charged, remaining)) => Answer::Replay { charged, remaining },
                        None => Answer::No(Refusal::AnswerNotKept),
                    };
                }
                State::Voided | State::Expired => {}
            }
        }
        let required = it.at_least.get().max(10);
        if self.available() < required {
            let (available, required) = (credits(self.available()), credits(required));
            return Answer::No(if self.was_granted {
                Refusal::InsufficientCredits { available, required }
            } else {
                Refusal::NoCredits { required }
            });
        }
        let left = self.left_to(it.api_key);
        if left < required {
            let (available, required) = (credits(left), credits(required));
            return Answer::No(Refusal::ApiKeyCapReached { available, required });
        }
        let amount = self.available().min(left).min(it.at_most.get().max(required));
        let key = it.key.as_ref().map(|keyed| keyed.key.as_str().to_owned());
        if let (Some(name), Some(keyed)) = (&key, &it.key) {
            let record = Key { hold: it.id, asks: keyed.fingerprint, made: now, answer: None };
            self.keys.insert(name.clone(), record);
        }
        let until = it.expires_at.as_micros();
        let api_key = it.api_key;
        self.holds.insert(it.id, Hold { amount, made: now, until, key, api_key, state: State::Open });
        Answer::Held(amount, self.sums())
    }

    fn settle(&mut self, it: &SettleRequest, now: i64) -> Answer {
        let Some(hold) = self.holds.get(&it.hold).cloned() else { return Answer::No(Refusal::HoldUnknown) };
        if hold.api_key != it.api_key {
            return Answer::No(Refusal::HoldUnknown);
        }
        let asked = it.charge.get();
        let named = it.key.as_ref().map(|key| key.as_str().to_owned());
        let charged = match hold.state {
            State::Voided => return Answer::No(Refusal::HoldVoided),
            State::Settled { charged, absorbed } => {
                return Answer::Settled { charged, absorbed, sums: self.sums(), repeated: true };
            }
            State::Open => asked.min(hold.amount),
            State::Expired => {
                let mine = match &hold.key {
                    None => true,
                    Some(name) => hold.key == named && self.keys[name].hold == it.hold,
                };
                let left = self.available().min(self.left_to(hold.api_key));
                if mine && !self.closed { asked.min(hold.amount).min(left) } else { 0 }
            }
        };
        let absorbed = asked - charged;
        self.holds.get_mut(&it.hold).unwrap().state = State::Settled { charged, absorbed };
        self.charged += charged;
        if let Some(key) = hold.api_key.and_then(|id| self.api_keys.get_mut(&id)) {
            key.spent += charged;
        }
        self.take(charged, |lot| lot.made <= hold.made && hold.made < lot.due);
        self.let_time_pass(now);
        if let Some(record) = named.as_ref().and_then(|name| self.keys.get(name))
            && record.hold == it.hold
            && it.answer.is_some()
        {
            let remaining = self.available();
            self.keys.get_mut(&named.unwrap()).unwrap().answer = Some((charged, remaining));
        }
        Answer::Settled { charged, absorbed, sums: self.sums(), repeated: false }
    }

    /// What a key may still spend, counted from all holds that were ever made under it.
    fn left_to(&self, api_key: Option<ApiKeyId>) -> i64 {
        let cap = api_key.and_then(|id| self.api_keys[&id].cap);
        let bound = |hold: &Hold| match hold.state {
            State::Open => hold.amount,
            State::Settled { charged, .. } => charged,
            State::Voided | State::Expired => 0,
        };
        let under = self.holds.values().filter(|hold| hold.api_key == api_key);
        cap.map_or(i64::MAX, |cap| cap - under.map(bound).sum::<i64>())
    }

    fn create_api_key(&mut self, it: &CreateApiKeyRequest) -> Answer {
        if let Some(first) = self.api_keys.get(&it.id) {
            return Answer::ApiKey(first.clone());
        }
        if self.closed {
            return Answer::No(Refusal::Closed);
        }
        let cap = it.spend_cap.map(Credits::get);
        if cap == Some(0) {
            return Answer::No(Refusal::AmountOutOfRange);
        }
        let until = it.expires_at.map_or(NEVER, Timestamp::as_micros);
        let key = ApiKey { cap, spent: 0, until, revoked: None };
        self.api_keys.insert(it.id, key.clone());
        Answer::ApiKey(key)
    }

    fn void(&mut self, id: HoldId) -> Answer {
        match self.holds.get_mut(&id) {
            None => Answer::No(Refusal::HoldUnknown),
            Some(Hold { state: State::Settled { .. }, .. }) => Answer::No(Refusal::HoldSettled),
            Some(hold) => {
                let was_open = hold.state == State::Open;
                if was_open {
                    hold.state = State::Voided;
                }
                Answer::Voided(was_open)
            }
        }
    }

    fn lose(&mut self, lost: &[HoldId]) -> usize {
        let mut count = 0;
        for id in lost {
            if let Some(hold) = self.holds.get_mut(id)
                && hold.state == State::Open
            {
                hold.state = State::Expired;
                count += 1;
            }
        }
        count
    }

    fn grant(&mut self, it: &GrantRequest, now: i64) -> Answer {
        let (source, amount) = (it.source.to_string(), it.amount.get());
        if let Some(first) = self.posted.get(&source) {
            return Answer::Posted { amount: *first, sums: self.sums(), repeated: true };
        }
        if amount <= 0 {
            return Answer::No(Refusal::AmountOutOfRange);
        }
        let due = it.expires_at.map_or(NEVER, Timestamp::as_micros);
        self.add(*it.id.as_bytes(), &source, None, amount, now, due);
        self.was_granted = true;
        self.granted += amount;
        self.posted.insert(source, amount);
        self.let_time_pass(now);
        Answer::Posted { amount, sums: self.sums(), repeated: false }
    }

    fn adjust(&mut self, it: &AdjustRequest, now: i64) -> Answer {
        let (source, amount) = (it.source.to_string(), it.amount.get());
        if let Some(first) = self.posted.get(&source) {
            return Answer::Posted { amount: *first, sums: self.sums(), repeated: true };
        }
        if amount == 0 {
            return Answer::No(Refusal::AmountOutOfRange);
        }
        if amount > 0 && self.closed {
            return Answer::No(Refusal::Closed);
        }
        if amount > 0 {
            self.add(*it.id.as_bytes(), &source, None, amount, now, NEVER);
        } else if -amount > self.available() {
            return Answer::No(Refusal::NotEnough { available: credits(self.available()) });
        } else {
            self.take(-amount, |lot| lot.made <= now && now < lot.due);
        }
        self.adjusted += amount;
        self.posted.insert(source, amount);
        self.let_time_pass(now);
        Answer::Posted { amount, sums: self.sums(), repeated: false }
    }

    /// Everything that is left goes, and every word of the client's.
    fn close(&mut self, it: &CloseRequest, now: i64) -> Answer {
        if self.closed {
            return Answer::Closed { forfeited: 0, repeated: true };
        }
        if self.open().next().is_some() {
            return Answer::No(Refusal::RequestsRunning);
        }
        let left = self.available();
        if left > 0 && !it.forfeit {
            return Answer::No(Refusal::CreditsRemain { available: credits(left) });
        }
        self.lots.iter_mut().for_each(|lot| lot.left = 0);
        self.adjusted -= left;
        self.keys.clear();
        self.holds.values_mut().for_each(|hold| hold.key = None);
        for key in self.api_keys.values_mut().filter(|key| key.revoked.is_none() && now < key.until) {
            key.revoked = Some(now);
        }
        self.closed = true;
        Answer::Closed { forfeited: left, repeated: false }
    }

    fn claw_back(&mut self, it: &ClawBackRequest, now: i64) -> Answer {
        let source = it.source.to_string();
        let Some(index) = self.lots.iter().position(|lot| lot.source == source) else {
            return Answer::No(Refusal::SourceUnknown);
        };
        let (granted, before, due) = (self.lots[index].amount, self.lots[index].clawed, self.lots[index].due);
        let share = granted * it.returned_minor.min(it.paid_minor) / it.paid_minor;
        let own = |lot: &Lot| lot.source == source || lot.restores.as_ref() == Some(&source);
        let expired: i64 = self.lots.iter().filter(|lot| own(lot)).map(|lot| lot.expired).sum();
        if share - expired > before {
            let more = share - expired - before;
            self.take(more, own);
            self.lots[index].clawed += more;
            self.lots[index].clawed_at = now;
            self.clawed += more;
        } else if share < before {
            let back = before - share;
            let away = (now - self.lots[index].clawed_at).max(0);
            let due = if due == NEVER || due <= self.lots[index].clawed_at { NEVER } else { due + away };
            let name = format!("restored:{source}:{}", self.lots.len());
            self.add(*it.id.as_bytes(), &name, Some(source), back, now, due);
            self.lots[index].clawed -= back;
            self.clawed -= back;
        }
        Answer::Clawed(self.lots[index].clawed, self.sums())
    }

    /// A new lot; what is owed comes off it, credit by credit.
    fn add(
        &mut self,
        id: [u8; 16],
        source: &str,
        restores: Option<String>,
        amount: i64,
        made: i64,
        due: i64,
    ) {
        let mut owed = (self.charged - self.total()).max(0);
        let mut left = 0;
        for _ in 0..amount {
            if owed > 0 {
                owed -= 1;
            } else {
                left += 1;
            }
        }
        let source = source.to_owned();
        let (expired, clawed, clawed_at) = (0, 0, made);
        self.lots.push(Lot { source, id, restores, amount, left, expired, clawed, clawed_at, made, due });
    }

    /// Takes credit by credit, from the preferred lots while they have any; where no lot has, it is owed.
    fn take(&mut self, amount: i64, preferred: impl Fn(&Lot) -> bool) {
        for _ in 0..amount {
            let next = self.burn_order(&preferred).into_iter().find(|index| self.lots[*index].left > 0);
            if let Some(index) = next {
                self.lots[index].left -= 1;
            }
        }
    }

    fn burn_order(&self, preferred: impl Fn(&Lot) -> bool) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.lots.len()).collect();
        order.sort_by_key(|index| {
            let lot = &self.lots[*index];
            (!preferred(lot), lot.due, lot.made, lot.id)
        });
        order
    }
}

fn credits(amount: i64) -> Credits {
    Credits::new(amount).unwrap()
}
