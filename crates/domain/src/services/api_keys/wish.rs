//! What users may ask of a new key. An [`ApiKeyWish`] that exists is valid.

use crate::api_keys::USUAL_SCOPES;
use crate::clock::Timestamp;
use crate::credits::Credits;
use crate::ports::identity::{Caller, Scope};
use crate::services::assistant::question::{FieldFault, FieldRule};

/// The longest name, in characters.
pub const LONGEST_NAME: usize = 100;

/// A wish as it came, types checked, values not.
#[derive(Clone, Debug, Default)]
pub struct RawApiKeyWish {
    /// `name`.
    pub name: Option<String>,
    /// `scopes`; those that are no text are `None`.
    pub scopes: Option<Vec<Option<String>>>,
    /// `spend_cap`.
    pub spend_cap: Option<i64>,
    /// `expires_at`, known to lie in the future.
    pub expires_at: Option<Timestamp>,
}

/// A valid wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyWish {
    name: String,
    scopes: Vec<Scope>,
    spend_cap: Option<Credits>,
    expires_at: Option<Timestamp>,
}

impl ApiKeyWish {
    /// Checks a wish of `maker`; all faults at once.
    pub fn parse(raw: RawApiKeyWish, maker: &Caller) -> Result<Self, Vec<FieldFault>> {
        let mut faults = Vec::new();
        let name = name(raw.name.as_deref(), &mut faults);
        let scopes = scopes(raw.scopes, maker, &mut faults);
        let cap = raw.spend_cap.map(|cap| Credits::new(cap).ok().filter(|cap| cap.is_positive()));
        if cap == Some(None) {
            faults.push(FieldFault::new("/spend_cap", FieldRule::WholeWithin(1, Credits::MAX.get())));
        }
        if faults.is_empty() {
            Ok(Self { name, scopes, spend_cap: cap.flatten(), expires_at: raw.expires_at })
        } else {
            Err(faults)
        }
    }

    /// Name, scopes, cap, end.
    pub fn into_parts(self) -> (String, Vec<Scope>, Option<Credits>, Option<Timestamp>) {
        (self.name, self.scopes, self.spend_cap, self.expires_at)
    }
}

/// What a key may have: everything but what keeps the account. A key can neither make nor end keys, nor erase its user.
pub const GIVABLE: [Scope; 5] =
    [Scope::AiUse, Scope::CreditsRead, Scope::BillingWrite, Scope::AdminRead, Scope::AdminWrite];

/// What `maker` may give to a key: of that, what they have themselves.
pub fn givable(maker: &Caller) -> Vec<Scope> {
    GIVABLE.into_iter().filter(|scope| maker.may(*scope)).collect()
}

fn name(raw: Option<&str>, faults: &mut Vec<FieldFault>) -> String {
    let fault = match raw {
        None => Some(FieldRule::Required),
        Some(name) if name.trim().is_empty() => Some(FieldRule::NotBlank),
        Some(name) if name.chars().count() > LONGEST_NAME => Some(FieldRule::AtMostChars(LONGEST_NAME)),
        Some(name) if name.chars().any(char::is_control) => Some(FieldRule::Printable),
        Some(_) => None,
    };
    faults.extend(fault.map(|rule| FieldFault::new("/name", rule)));
    raw.unwrap_or_default().trim().to_owned()
}

/// The scopes in one order, each once.
fn scopes(raw: Option<Vec<Option<String>>>, maker: &Caller, faults: &mut Vec<FieldFault>) -> Vec<Scope> {
    let givable = givable(maker);
    let fault = |pointer: String| FieldFault::new(pointer, FieldRule::Scopes(givable.clone()));
    let Some(words) = raw else {
        if !USUAL_SCOPES.iter().all(|scope| givable.contains(scope)) {
            faults.push(fault("/scopes".to_owned()));
        }
        return USUAL_SCOPES.to_vec();
    };
    if words.is_empty() {
        faults.push(FieldFault::new("/scopes", FieldRule::NotBlank));
    }
    let mut wanted = Vec::with_capacity(words.len());
    for (index, word) in words.iter().enumerate() {
        let scope = word.as_deref().and_then(Scope::from_word).filter(|scope| givable.contains(scope));
        match scope {
            Some(scope) => wanted.push(scope),
            None => faults.push(fault(format!("/scopes/{index}"))),
        }
    }
    givable.into_iter().filter(|scope| wanted.contains(scope)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::UserId;

    fn maker(scopes: &[Scope]) -> Caller {
        Caller { user: UserId::from_bytes([1; 16]), scopes: scopes.to_vec(), api_key: None }
    }

    fn wish(scopes: &[&str]) -> RawApiKeyWish {
        let scopes = scopes.iter().map(|word| Some((*word).to_owned())).collect();
        RawApiKeyWish { name: Some("ci".to_owned()), scopes: Some(scopes), ..RawApiKeyWish::default() }
    }

    fn pointers(faults: Result<ApiKeyWish, Vec<FieldFault>>) -> Vec<String> {
        faults.unwrap_err().into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn a_key_has_what_is_usual_or_a_part_of_what_its_maker_has() {
        let user = maker(&Scope::USER);
        let usual = RawApiKeyWish { scopes: None, ..wish(&[]) };
        assert_eq!(ApiKeyWish::parse(usual, &user).unwrap().scopes, USUAL_SCOPES);
        let twice = ApiKeyWish::parse(wish(&["billing:write", "ai:use", "ai:use"]), &user).unwrap();
        assert_eq!(twice.scopes, [Scope::AiUse, Scope::BillingWrite]);
    }

    #[test]
    fn nobody_can_give_what_keeps_the_account_or_what_they_have_not() {
        let (user, admin) = (maker(&Scope::USER), maker(&Scope::ALL));
        let wanted = ["ai:use", "account:write", "admin:read", "admin:write", "root"];
        assert_eq!(
            pointers(ApiKeyWish::parse(wish(&wanted), &user)),
            ["/scopes/1", "/scopes/2", "/scopes/3", "/scopes/4"]
        );
        assert_eq!(pointers(ApiKeyWish::parse(wish(&wanted), &admin)), ["/scopes/1", "/scopes/4"]);
        let keeper = maker(&[Scope::AccountWrite]);
        let usual = RawApiKeyWish { scopes: None, ..wish(&[]) };
        assert_eq!(pointers(ApiKeyWish::parse(usual, &keeper)), ["/scopes"]);
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let raw = RawApiKeyWish {
            name: Some(" \t".to_owned()),
            scopes: Some(vec![None]),
            spend_cap: Some(0),
            expires_at: None,
        };
        assert_eq!(
            pointers(ApiKeyWish::parse(raw, &maker(&Scope::ALL))),
            ["/name", "/scopes/0", "/spend_cap"]
        );
        assert_eq!(
            pointers(ApiKeyWish::parse(RawApiKeyWish { name: None, ..wish(&[]) }, &maker(&[]))),
            ["/name", "/scopes"]
        );
    }

    #[test]
    fn a_name_is_one_line_of_a_hundred_characters() {
        let named = |name: &str| {
            let raw = RawApiKeyWish { name: Some(name.to_owned()), scopes: None, ..wish(&[]) };
            ApiKeyWish::parse(raw, &maker(&Scope::USER)).map(|wish| wish.name)
        };
        assert_eq!(named("  robô do caixa "), Ok("robô do caixa".to_owned()));
        assert!(named(&"é".repeat(LONGEST_NAME)).is_ok());
        for bad in [&"é".repeat(LONGEST_NAME + 1), "a\nb", "a\0b", ""] {
            assert!(named(bad).is_err(), "{bad:?}");
        }
    }
}
