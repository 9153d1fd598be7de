//! Letters and events as those who get them see them, over loopback.
#![allow(missing_docs)]

mod letters;
mod webhook;

use domain::billing::notice::{Notice, NoticeDetails, NoticeKind};
use domain::clock::Timestamp;
use domain::credits::Credits;
use domain::ids::UserId;
use domain::language::Language;
use domain::ports::notices::{Message, Recipient};

/// 2026-01-01T00:00:00Z.
const NEW_YEAR: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

fn message(to: Recipient) -> Message {
    let details = NoticeDetails {
        balance: Some(Credits::whole(91)),
        threshold: Some(Credits::whole(100)),
        ..NoticeDetails::default()
    };
    let user = UserId::from_bytes([1; 16]);
    let (kind, subject) = (NoticeKind::LowBalance, "entry:3".to_owned());
    let notice = Notice { user, kind, subject, at: NEW_YEAR, details };
    Message { id: "msg_0123456789abcdef".to_owned(), notice, to, at: NEW_YEAR }
}

fn to(address: &str, language: Language) -> Recipient {
    Recipient::Mailbox { address: address.parse().expect("an address"), language }
}
