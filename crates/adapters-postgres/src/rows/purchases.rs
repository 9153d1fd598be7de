//! `purchases`, each with its rows of `purchase_returns`.

use diesel::data_types::PgTimestamp;
use diesel::pg::Pg;
use diesel::prelude::QueryableByName;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use domain::billing::offer::Offer;
use domain::billing::purchase::{Names, Progress, Purchase, PurchaseKind, Return, ReturnKind, ReturnState};
use domain::ids::PurchaseId;
use domain::ledger::account::PlanName;
use domain::ledger::command::KeyedRequest;
use domain::money::{Currency, Money};
use uuid::Uuid;

use super::{idempotency_key, time};
use crate::error::{Corrupt, Place, Rest};
use crate::schema::purchases;

/// A purchase with its returns, as arrays: one snapshot, whoever writes meanwhile.
#[derive(QueryableByName)]
#[diesel(table_name = purchases, check_for_backend(Pg))]
pub(crate) struct PurchaseRow {
    user_id: Uuid,
    id: Uuid,
    kind: String,
    plan: String,
    credits: i64,
    price_minor: i64,
    currency: String,
    expires_after_days: Option<i64>,
    livemode: bool,
    state: String,
    session_id: Option<String>,
    customer_id: Option<String>,
    payment_intent_id: Option<String>,
    charge_id: Option<String>,
    invoice_id: Option<String>,
    subscription_id: Option<String>,
    url: Option<String>,
    payment_method: Option<String>,
    period_end: Option<PgTimestamp>,
    refunded_minor: i64,
    refunded_as_of: PgTimestamp,
    fault: Option<String>,
    idempotency_key: Option<String>,
    fingerprint: Option<Vec<u8>>,
    created_at: PgTimestamp,
    expires_at: Option<PgTimestamp>,
    paid_at: Option<PgTimestamp>,
    lookups: i64,
    next_lookup: Option<PgTimestamp>,
    #[diesel(embed)]
    returns: ReturnColumns,
}

#[derive(QueryableByName)]
struct ReturnColumns {
    #[diesel(sql_type = Array<Text>)]
    return_kinds: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    return_references: Vec<String>,
    #[diesel(sql_type = Array<BigInt>)]
    return_amounts: Vec<i64>,
    #[diesel(sql_type = Array<Text>)]
    return_states: Vec<String>,
    #[diesel(sql_type = Array<Timestamptz>)]
    return_times: Vec<PgTimestamp>,
}

impl PurchaseRow {
    pub fn into_domain(self) -> Result<Purchase, Corrupt> {
        let at = Place::new("purchases", self.user_id, Rest::Id(self.id));
        let key = match (self.idempotency_key, self.fingerprint) {
            (None, None) => None,
            (Some(key), Some(fingerprint)) => Some(KeyedRequest {
                key: idempotency_key(&at, "idempotency_key", &key)?,
                fingerprint: at.hash("fingerprint", fingerprint)?,
            }),
            _ => return Err(at.corrupt("fingerprint", "and its key are neither both there nor both null")),
        };
        let price = at.price(self.price_minor, &self.currency)?;
        Ok(Purchase {
            id: PurchaseId::from_bytes(self.id.into_bytes()),
            user: at.user(),
            kind: at.word("kind", &self.kind, PurchaseKind::from_word)?,
            offer: at.offer(self.plan, self.credits, price, self.expires_after_days)?,
            livemode: self.livemode,
            progress: at.word("state", &self.state, Progress::from_word)?,
            names: Names {
                session: self.session_id,
                customer: self.customer_id,
                intent: self.payment_intent_id,
                charge: self.charge_id,
                invoice: self.invoice_id,
                subscription: self.subscription_id,
            },
            url: self.url,
            method: self.payment_method,
            period_end: self.period_end.map(time),
            refunded_minor: at.minor("refunded_minor", self.refunded_minor)?,
            refunded_as_of: time(self.refunded_as_of),
            returns: self.returns.into_domain(self.user_id, self.id)?,
            fault: self.fault,
            key,
            created_at: time(self.created_at),
            expires_at: self.expires_at.map(time),
            paid_at: self.paid_at.map(time),
            lookups: at.small_count("lookups", self.lookups)?,
            next_lookup: self.next_lookup.map(time),
        })
    }
}

impl ReturnColumns {
    /// Disputes first, and then by their names.
    fn into_domain(self, user: Uuid, purchase: Uuid) -> Result<Vec<Return>, Corrupt> {
        let words = self.return_kinds.into_iter().zip(self.return_references).zip(self.return_states);
        let figures = self.return_amounts.into_iter().zip(self.return_times);
        let mut returns = words
            .zip(figures)
            .map(|(((kind, reference), state), (minor, as_of))| {
                let rest = Rest::Text(format!("{purchase}/{kind}/{reference}"));
                let at = Place::new("purchase_returns", user, rest);
                Ok(Return {
                    reference,
                    kind: at.word("kind", &kind, ReturnKind::from_word)?,
                    minor: at.minor("amount_minor", minor)?,
                    state: at.word("state", &state, ReturnState::from_word)?,
                    as_of: time(as_of),
                })
            })
            .collect::<Result<Vec<Return>, Corrupt>>()?;
        returns.sort_by(|a, b| (a.kind, &a.reference).cmp(&(b.kind, &b.reference)));
        Ok(returns)
    }
}

impl Place {
    pub(super) fn price(&self, minor: i64, word: &str) -> Result<Money, Corrupt> {
        let currency = self.word("currency", word, Currency::from_word)?;
        Money::new(minor, currency)
            .ok_or_else(|| self.corrupt("price_minor", format!("is {minor}, below zero")))
    }

    pub(super) fn offer(
        &self,
        plan: String,
        credits: i64,
        price: Money,
        expires_after_days: Option<i64>,
    ) -> Result<Offer, Corrupt> {
        Ok(Offer {
            plan: PlanName::new(plan),
            credits: self.amount("credits", credits)?,
            price,
            expires_after_days: expires_after_days
                .map(|days| self.small_count("expires_after_days", days))
                .transpose()?,
        })
    }
}
