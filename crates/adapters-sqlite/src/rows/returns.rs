//! `purchase_returns`.

use diesel::SqliteConnection;
use diesel::prelude::*;
use domain::billing::purchase::{Purchase, Return, ReturnKind, ReturnState};
use domain::ids::{PurchaseId, UserId};

use super::Owner;
use crate::cell::{Cell, Place};
use crate::error::{Corrupt, StoreError};
use crate::schema::purchase_returns::{self, dsl};

#[derive(Queryable, Selectable)]
#[diesel(table_name = purchase_returns)]
struct ReturnRow {
    kind: Cell,
    reference: Cell,
    amount_minor: Cell,
    state: Cell,
    as_of: Cell,
}

impl ReturnRow {
    fn read(self, user: UserId, purchase: PurchaseId) -> Result<Return, Corrupt> {
        let name = Cell::Text(format!("{purchase}, {} {}", self.kind, self.reference));
        let at = Place::of_row("purchase_returns", user, &name);
        Ok(Return {
            reference: at.text("reference", self.reference)?,
            kind: at.word("kind", &self.kind, "the kind of a return", ReturnKind::from_word)?,
            minor: at.minor("amount_minor", &self.amount_minor)?,
            state: at.word("state", &self.state, "the state of a return", ReturnState::from_word)?,
            as_of: at.time("as_of", &self.as_of)?,
        })
    }
}

/// The returns of a purchase, by kind and reference.
pub fn all(
    connection: &mut SqliteConnection,
    user: UserId,
    purchase: PurchaseId,
) -> Result<Vec<Return>, StoreError> {
    let owner = Owner::of(user);
    let rows: Vec<ReturnRow> = dsl::purchase_returns
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .filter(dsl::purchase_id.eq(purchase.to_string()))
        .order((dsl::kind, dsl::reference))
        .select(ReturnRow::as_select())
        .load(connection)?;
    Ok(rows.into_iter().map(|row| row.read(user, purchase)).collect::<Result<_, _>>()?)
}

/// Adds or replaces the returns of a purchase.
pub fn put(connection: &mut SqliteConnection, purchase: &Purchase) -> Result<(), StoreError> {
    for each in &purchase.returns {
        let owner = Owner::of(purchase.user);
        diesel::replace_into(dsl::purchase_returns)
            .values((
                dsl::lane.eq(owner.lane),
                dsl::user_id.eq(owner.user),
                dsl::purchase_id.eq(purchase.id.to_string()),
                dsl::kind.eq(each.kind.as_str()),
                dsl::reference.eq(each.reference.as_str()),
                dsl::amount_minor.eq(each.minor),
                dsl::state.eq(each.state.as_str()),
                dsl::as_of.eq(each.as_of.as_micros()),
            ))
            .execute(connection)?;
    }
    Ok(())
}
