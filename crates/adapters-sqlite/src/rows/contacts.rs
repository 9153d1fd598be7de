//! `alert_contacts`.

use diesel::SqliteConnection;
use diesel::prelude::*;
use domain::contact::{Contact, EmailAddress};
use domain::ids::UserId;
use domain::language::Language;

use super::Owner;
use crate::cell::{Cell, Place};
use crate::error::StoreError;
use crate::schema::alert_contacts::dsl;

const TABLE: &str = "alert_contacts";

/// Where `user` wants to be told, if they said.
pub fn find(connection: &mut SqliteConnection, user: UserId) -> Result<Option<Contact>, StoreError> {
    let owner = Owner::of(user);
    let row: Option<(Cell, Cell)> = dsl::alert_contacts
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .select((dsl::email, dsl::language))
        .get_result(connection)
        .optional()?;
    let Some((email, language)) = row else { return Ok(None) };
    let at = Place::of_account(TABLE, user);
    let email = at.maybe("email", &email, |at, column, cell| {
        at.word(column, cell, "an e-mail address", |text| text.parse::<EmailAddress>().ok())
    })?;
    let language = at.word("language", &language, "a language", Language::from_tag)?;
    Ok(Some(Contact { user, email, language }))
}

/// Adds a contact, or replaces it.
pub fn put(connection: &mut SqliteConnection, contact: &Contact) -> Result<(), StoreError> {
    let owner = Owner::of(contact.user);
    diesel::replace_into(dsl::alert_contacts)
        .values((
            dsl::lane.eq(owner.lane),
            dsl::user_id.eq(owner.user),
            dsl::email.eq(contact.email.as_ref().map(EmailAddress::as_str)),
            dsl::language.eq(contact.language.tag()),
        ))
        .execute(connection)?;
    Ok(())
}
