//! How a user is reached beside the product: an e-mail address, and a language.

use std::fmt;
use std::str::FromStr;

use crate::ids::UserId;
use crate::language::Language;

/// The longest address, in bytes (RFC 5321).
pub const LONGEST_ADDRESS: usize = 254;
const LONGEST_LOCAL_PART: usize = 64;
const LONGEST_LABEL: usize = 63;

/// An e-mail address that a letter can be sent to. Personal data: it is not shown by `Debug`, so that it
/// gets into no log.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

/// Text that is no e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct NotAnAddress;

impl EmailAddress {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind the `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl FromStr for EmailAddress {
    type Err = NotAnAddress;

    /// Takes `local@domain` in ASCII without quotes, comments or blanks: what mail is really sent to, and
    /// nothing that could be read as two addresses or as a header. A domain in other letters is written as
    /// `xn--...`.
    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let (local, domain) = text.rsplit_once('@').ok_or(NotAnAddress)?;
        let fits = text.len() <= LONGEST_ADDRESS && is_local_part(local) && is_domain(domain);
        if fits { Ok(Self(text.to_owned())) } else { Err(NotAnAddress) }
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(..)")
    }
}

fn is_local_part(text: &str) -> bool {
    let atom = |part: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
        !part.is_empty() && part.bytes().all(fits)
    };
    text.len() <= LONGEST_LOCAL_PART && text.split('.').all(atom)
}

fn is_domain(text: &str) -> bool {
    let label = |part: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=LONGEST_LABEL).contains(&part.len())
            && part.bytes().all(fits)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    text.contains('.') && text.split('.').all(label)
}

/// One row of `alert_contacts`: where a user wants to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Who.
    pub user: UserId,
    /// Where letters go; `None` for no letters.
    pub email: Option<EmailAddress>,
    /// In which language.
    pub language: Language,
}

impl Contact {
    /// Of a user who has said nothing: no letters, in Portuguese.
    pub const fn of_newcomer(user: UserId) -> Self {
        Self { user, email: None, language: Language::Portuguese }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_mail_is_sent_to_and_nothing_else() {
        for good in ["a@b.co", "Maria.Silva+ia@mail.example.com.br", "x_y@xn--bcher-kva.example", "o'k@d.io"]
        {
            assert_eq!(good.parse::<EmailAddress>().as_ref().map(EmailAddress::as_str), Ok(good));
        }
        let long = format!("{}@example.com", "a".repeat(65));
        let longer = format!("a@{}.com", ["b"; 130].join("."));
        for bad in [
            "",
            "a",
            "a@",
            "@b.co",
            "a@b",
            "a b@c.co",
            "a@b..co",
            ".a@b.co",
            "a.@b.co",
            "a@-b.co",
            "a@b.co, c@d.co",
            "a@b.co\r\nBcc: c@d.co",
            "<a@b.co>",
            "\"a\"@b.co",
            "a@[127.0.0.1]",
            "ação@b.co",
            "a@b.co ",
            &long,
            &longer,
        ] {
            assert_eq!(bad.parse::<EmailAddress>(), Err(NotAnAddress), "{bad}");
        }
    }

    #[test]
    fn an_address_does_not_show() {
        let contact = Contact {
            email: "maria@example.com".parse().ok(),
            ..Contact::of_newcomer(UserId::from_bytes([1; 16]))
        };
        assert!(contact.email.is_some() && !format!("{contact:?}").contains("maria"));
    }
}
