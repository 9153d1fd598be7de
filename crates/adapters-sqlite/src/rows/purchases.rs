//! `purchases`. A purchase is read and written together with its returns.

use diesel::SqliteConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use domain::billing::purchase::{Names, Progress, Purchase, PurchaseKind};
use domain::clock::{Span, Timestamp};
use domain::ids::{IdempotencyKey, PurchaseId, UserId};
use domain::ledger::command::KeyedRequest;
use domain::ports::billing::{PageEnd, PurchaseName};

use super::offers::OfferCells;
use super::{Owner, holds, met_one, returns};
use crate::cell::{Cell, Place};
use crate::error::{Corrupt, StoreError};
use crate::schema::purchases::{self, dsl};
use crate::statement::update;

const TABLE: &str = "purchases";

/// By the purchases that are to be looked up, which all open ones are: left to itself, SQLite would walk
/// through all there ever were, by time, in search of an open one.
const OLDEST_OPEN: &str = "
    SELECT id, created_at
    FROM purchases INDEXED BY purchases_lookup
    WHERE next_lookup IS NOT NULL AND state IN ('created', 'processing')
    ORDER BY created_at
    LIMIT 1";

#[derive(QueryableByName)]
struct OldestRow {
    #[diesel(sql_type = Text)]
    id: Cell,
    #[diesel(sql_type = BigInt)]
    created_at: Cell,
}

#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = purchases)]
struct PurchaseRow {
    user_id: Cell,
    id: Cell,
    kind: Cell,
    plan: Cell,
    credits: Cell,
    price_minor: Cell,
    currency: Cell,
    expires_after_days: Cell,
    livemode: Cell,
    state: Cell,
    session_id: Cell,
    customer_id: Cell,
    payment_intent_id: Cell,
    charge_id: Cell,
    invoice_id: Cell,
    subscription_id: Cell,
    url: Cell,
    payment_method: Cell,
    period_end: Cell,
    refunded_minor: Cell,
    refunded_as_of: Cell,
    fault: Cell,
    idempotency_key: Cell,
    fingerprint: Cell,
    created_at: Cell,
    expires_at: Cell,
    paid_at: Cell,
    lookups: Cell,
    next_lookup: Cell,
}

impl PurchaseRow {
    /// The purchase, but for its returns.
    fn read(self) -> Result<Purchase, Corrupt> {
        let user = Place::apart(TABLE, &self.id).id("user_id", &self.user_id)?;
        let id = self.id.clone();
        let at = Place::of_row(TABLE, user, &id);
        let key = self.read_key(&at)?;
        let offer = OfferCells {
            plan: self.plan,
            credits: self.credits,
            price_minor: self.price_minor,
            currency: self.currency,
            expires_after_days: self.expires_after_days,
        };
        Ok(Purchase {
            id: at.id("id", &id)?,
            user,
            kind: at.word("kind", &self.kind, "the kind of a purchase", PurchaseKind::from_word)?,
            offer: offer.read(&at)?,
            livemode: at.flag("livemode", &self.livemode)?,
            progress: at.word("state", &self.state, "the state of a purchase", Progress::from_word)?,
            names: Names {
                session: at.maybe_text("session_id", self.session_id)?,
                customer: at.maybe_text("customer_id", self.customer_id)?,
                intent: at.maybe_text("payment_intent_id", self.payment_intent_id)?,
                charge: at.maybe_text("charge_id", self.charge_id)?,
                invoice: at.maybe_text("invoice_id", self.invoice_id)?,
                subscription: at.maybe_text("subscription_id", self.subscription_id)?,
            },
            url: at.maybe_text("url", self.url)?,
            method: at.maybe_text("payment_method", self.payment_method)?,
            period_end: at.maybe("period_end", &self.period_end, Place::time)?,
            refunded_minor: at.minor("refunded_minor", &self.refunded_minor)?,
            refunded_as_of: at.time("refunded_as_of", &self.refunded_as_of)?,
            returns: Vec::new(),
            fault: at.maybe_text("fault", self.fault)?,
            key,
            created_at: at.time("created_at", &self.created_at)?,
            expires_at: at.maybe("expires_at", &self.expires_at, Place::time)?,
            paid_at: at.maybe("paid_at", &self.paid_at, Place::time)?,
            lookups: at.count("lookups", &self.lookups)?,
            next_lookup: at.maybe("next_lookup", &self.next_lookup, Place::time)?,
        })
    }

    /// The client's key: both of its columns or none.
    fn read_key(&self, at: &Place<'_>) -> Result<Option<KeyedRequest>, Corrupt> {
        if self.idempotency_key == Cell::Null {
            return match self.fingerprint {
                Cell::Null => Ok(None),
                _ => Err(at.corrupt("fingerprint", "empty, as idempotency_key is")),
            };
        }
        let key = holds::key(at, "idempotency_key", &self.idempotency_key)?;
        Ok(Some(KeyedRequest { key, fingerprint: at.hash("fingerprint", &self.fingerprint)? }))
    }
}

fn with_returns(connection: &mut SqliteConnection, row: PurchaseRow) -> Result<Purchase, StoreError> {
    let mut purchase = row.read()?;
    purchase.returns = returns::all(connection, purchase.user, purchase.id)?;
    Ok(purchase)
}

/// The purchase of `user` with that id, if there is one.
pub fn find(
    connection: &mut SqliteConnection,
    user: UserId,
    id: PurchaseId,
) -> Result<Option<Purchase>, StoreError> {
    let owner = Owner::of(user);
    let row = dsl::purchases
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .filter(dsl::id.eq(id.to_string()))
        .select(PurchaseRow::as_select())
        .get_result(connection)
        .optional()?;
    row.map(|row| with_returns(connection, row)).transpose()
}

/// The purchase that `user` used `key` for, if it was used.
pub fn find_by_key(
    connection: &mut SqliteConnection,
    user: UserId,
    key: &IdempotencyKey,
) -> Result<Option<Purchase>, StoreError> {
    let owner = Owner::of(user);
    let row = dsl::purchases
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .filter(dsl::idempotency_key.eq(key.as_str()))
        .select(PurchaseRow::as_select())
        .get_result(connection)
        .optional()?;
    row.map(|row| with_returns(connection, row)).transpose()
}

/// The purchase of that name, whoever made it.
pub fn find_by_name(
    connection: &mut SqliteConnection,
    name: &PurchaseName,
) -> Result<Option<Purchase>, StoreError> {
    let rows = dsl::purchases.select(PurchaseRow::as_select());
    let row = match name {
        PurchaseName::Id(id) => {
            let its_lane = dsl::lane.eq(i64::from(id.lane().get()));
            rows.filter(its_lane.and(dsl::id.eq(id.to_string()))).first(connection)
        }
        PurchaseName::Session(id) => rows.filter(dsl::session_id.eq(id)).first(connection),
        PurchaseName::Intent(id) => rows.filter(dsl::payment_intent_id.eq(id)).first(connection),
        PurchaseName::Charge(id) => rows.filter(dsl::charge_id.eq(id)).first(connection),
        PurchaseName::Invoice(id) => rows.filter(dsl::invoice_id.eq(id)).first(connection),
    };
    row.optional()?.map(|row| with_returns(connection, row)).transpose()
}

/// Up to `limit` purchases of `user`, or of all users, newest first by time and then by id, older than
/// `before` if given.
pub fn page(
    connection: &mut SqliteConnection,
    user: Option<UserId>,
    before: Option<PageEnd>,
    limit: u32,
) -> Result<Vec<Purchase>, StoreError> {
    let mut query = dsl::purchases
        .order((dsl::created_at.desc(), dsl::id.desc()))
        .limit(i64::from(limit))
        .select(PurchaseRow::as_select())
        .into_boxed();
    if let Some(user) = user {
        let owner = Owner::of(user);
        query = query.filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)));
    }
    if let Some(PageEnd { at, name }) = before {
        let at = at.as_micros();
        let older = dsl::created_at.lt(at).or(dsl::id.lt(name));
        query = query.filter(dsl::created_at.le(at)).filter(older);
    }
    let rows: Vec<PurchaseRow> = query.load(connection)?;
    rows.into_iter().map(|row| with_returns(connection, row)).collect()
}

/// When the oldest purchase that waits for news was written down.
pub fn oldest_open(connection: &mut SqliteConnection) -> Result<Option<Timestamp>, StoreError> {
    let row: Option<OldestRow> = sql_query(OLDEST_OPEN).get_result(connection).optional()?;
    let time = row.map(|row| Place::apart(TABLE, &row.id).time("created_at", &row.created_at));
    Ok(time.transpose()?)
}

/// Up to `limit` purchases whose next look-up has come by `now`, those that waited longest first, as they
/// were; moves each one's next look-up by the wait for its number of look-ups, or the last one.
///
/// A row that cannot be read is logged and left out, and waits like the others: they must not wait for it.
pub fn claim_lookups(
    connection: &mut SqliteConnection,
    now: Timestamp,
    waits: &[Span],
    limit: u32,
) -> Result<Vec<Purchase>, StoreError> {
    let rows: Vec<(i64, PurchaseRow)> = dsl::purchases
        .filter(dsl::next_lookup.le(now.as_micros()))
        .order((dsl::next_lookup, dsl::id))
        .limit(i64::from(limit))
        .select((sql::<BigInt>("rowid"), PurchaseRow::as_select()))
        .load(connection)?;
    let last = waits.last().copied().unwrap_or_default();
    let mut claimed = Vec::with_capacity(rows.len());
    for (rowid, row) in rows {
        let its_row = diesel::update(dsl::purchases).filter(sql::<BigInt>("rowid").eq(rowid));
        match with_returns(connection, row) {
            Ok(purchase) => {
                let made = purchase.lookups;
                let wait = usize::try_from(made).ok().and_then(|made| waits.get(made)).copied();
                let next = now.after(wait.unwrap_or(last));
                let lookups = dsl::lookups.eq(i64::from(made.saturating_add(1)));
                its_row.set((lookups, dsl::next_lookup.eq(next.as_micros()))).execute(connection)?;
                claimed.push(purchase);
            }
            Err(StoreError::Corrupt(corrupt)) => {
                tracing::error!(%corrupt, "left out of the look-ups");
                its_row.set(dsl::next_lookup.eq(now.after(last).as_micros())).execute(connection)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(claimed)
}

/// Adds a purchase.
pub fn insert(connection: &mut SqliteConnection, purchase: &Purchase) -> Result<(), StoreError> {
    let owner = Owner::of(purchase.user);
    let (offer, names) = (&purchase.offer, &purchase.names);
    diesel::insert_into(dsl::purchases)
        .values((
            dsl::lane.eq(owner.lane),
            dsl::user_id.eq(owner.user),
            dsl::id.eq(purchase.id.to_string()),
            dsl::kind.eq(purchase.kind.as_str()),
            dsl::plan.eq(offer.plan.as_str()),
            dsl::credits.eq(offer.credits.get()),
            dsl::price_minor.eq(offer.price.minor()),
            dsl::currency.eq(offer.price.currency().as_str()),
            dsl::expires_after_days.eq(offer.expires_after_days.map(i64::from)),
            dsl::livemode.eq(purchase.livemode),
            dsl::state.eq(purchase.progress.as_str()),
            dsl::session_id.eq(names.session.as_deref()),
            dsl::customer_id.eq(names.customer.as_deref()),
            dsl::payment_intent_id.eq(names.intent.as_deref()),
            dsl::charge_id.eq(names.charge.as_deref()),
            dsl::invoice_id.eq(names.invoice.as_deref()),
            dsl::subscription_id.eq(names.subscription.as_deref()),
            dsl::url.eq(purchase.url.as_deref()),
            dsl::payment_method.eq(purchase.method.as_deref()),
            dsl::period_end.eq(purchase.period_end.map(Timestamp::as_micros)),
            dsl::refunded_minor.eq(purchase.refunded_minor),
            dsl::refunded_as_of.eq(purchase.refunded_as_of.as_micros()),
            dsl::fault.eq(purchase.fault.as_deref()),
            dsl::idempotency_key.eq(purchase.key.as_ref().map(|keyed| keyed.key.as_str())),
            dsl::fingerprint.eq(purchase.key.as_ref().map(|keyed| keyed.fingerprint.as_slice())),
            dsl::created_at.eq(purchase.created_at.as_micros()),
            dsl::expires_at.eq(purchase.expires_at.map(Timestamp::as_micros)),
            dsl::paid_at.eq(purchase.paid_at.map(Timestamp::as_micros)),
            dsl::lookups.eq(i64::from(purchase.lookups)),
            dsl::next_lookup.eq(purchase.next_lookup.map(Timestamp::as_micros)),
        ))
        .execute(connection)?;
    returns::put(connection, purchase)
}

/// Writes what can change of a purchase that was read in this transaction: all but whose it is, what for,
/// and its terms.
pub fn save(connection: &mut SqliteConnection, purchase: &Purchase) -> Result<(), StoreError> {
    let owner = Owner::of(purchase.user);
    let names = purchase.names.clone();
    let rows = update(
        &dsl::purchases,
        (
            dsl::state.eq(purchase.progress.as_str()),
            dsl::session_id.eq(names.session),
            dsl::customer_id.eq(names.customer),
            dsl::payment_intent_id.eq(names.intent),
            dsl::charge_id.eq(names.charge),
            dsl::invoice_id.eq(names.invoice),
            dsl::subscription_id.eq(names.subscription),
            dsl::url.eq(purchase.url.clone()),
            dsl::payment_method.eq(purchase.method.clone()),
            dsl::period_end.eq(purchase.period_end.map(Timestamp::as_micros)),
            dsl::refunded_minor.eq(purchase.refunded_minor),
            dsl::refunded_as_of.eq(purchase.refunded_as_of.as_micros()),
            dsl::fault.eq(purchase.fault.clone()),
            dsl::idempotency_key.eq(purchase.key.as_ref().map(|keyed| keyed.key.as_str().to_owned())),
            dsl::fingerprint.eq(purchase.key.as_ref().map(|keyed| keyed.fingerprint.to_vec())),
            dsl::expires_at.eq(purchase.expires_at.map(Timestamp::as_micros)),
            dsl::paid_at.eq(purchase.paid_at.map(Timestamp::as_micros)),
            dsl::lookups.eq(i64::from(purchase.lookups)),
            dsl::next_lookup.eq(purchase.next_lookup.map(Timestamp::as_micros)),
        ),
        dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)).and(dsl::id.eq(purchase.id.to_string())),
    )
    .execute(connection)?;
    met_one(TABLE, rows)?;
    returns::put(connection, purchase)
}
