//! Signatures: those of Stripe's are taken, all others are not.

use adapters_stripe::StripeEvents;
use domain::clock::Timestamp;
use domain::ports::payments::{EventReader, ForgedEvent};
use proptest::prelude::*;

use crate::fixtures::{SECRET, events, seconds};

// Signed by Stripe's own library for Python, 16.1.0.
const AT: i64 = 1_492_774_577;
const BODY: &[u8] = br#"{"id":"evt_1","object":"event"}"#;
const SIGNATURE: &str = "05dea5368b7a2eb7d01ad772fef7f5a9e41d63a5596307b0a72fd5b87e31cfae";
const OF_NOTHING: &str = "7f132e638eeeec04ba7b42024725eb812a8b4864d4b4d321ddc54a7aa0c0a4b6";
const OTHER_SECRET: &str = "whsec_bmV2ZXIgZ29ubmEgZ2l2ZSB5b3UgdXA";
const OTHER_AT: i64 = 1_790_000_000;
const OTHER_BODY: &str = r#"{"name":"Créditos de IA","emoji":"💳"}"#;
const OTHER_SIGNATURE: &str = "1c1fc4cd39bd622035f976cd3d9d57d457d648640ed76ba444ce4a50b6c031c4";

fn verify(header: &str) -> Result<(), ForgedEvent> {
    events().verify(header, BODY, seconds(AT))
}

#[test]
fn what_stripes_own_library_signs_is_taken() {
    assert_eq!(verify(&format!("t={AT},v1={SIGNATURE}")), Ok(()));
    assert_eq!(events().verify(&format!("t={AT},v1={OF_NOTHING}"), b"", seconds(AT)), Ok(()));
    let other = StripeEvents::new(OTHER_SECRET.into(), None).expect("a secret");
    let header = format!("t={OTHER_AT},v1={OTHER_SIGNATURE}");
    assert_eq!(other.verify(&header, OTHER_BODY.as_bytes(), seconds(OTHER_AT)), Ok(()));
}

#[test]
fn order_and_other_schemes_do_not_matter() {
    let zeros = "0".repeat(64);
    for header in [
        format!("v1={SIGNATURE},t={AT}"),
        format!("t={AT}, v1={SIGNATURE}"),
        format!("t={AT},v0={zeros},v1={SIGNATURE},v2=x"),
        format!("t={AT},v1={zeros},v1={SIGNATURE}"),
        format!("v1={SIGNATURE},v1={zeros},v1=,t={AT},"),
    ] {
        assert_eq!(verify(&header), Ok(()), "{header}");
    }
}

#[test]
fn either_secret_is_good_while_they_are_changed() {
    let header = format!("t={AT},v1={SIGNATURE}");
    let with = |current: &str, previous: Option<&str>| {
        let events = StripeEvents::new(current.into(), previous.map(Into::into)).expect("secrets");
        events.verify(&header, BODY, seconds(AT))
    };
    assert_eq!(with(OTHER_SECRET, Some(SECRET)), Ok(()));
    assert_eq!(with(SECRET, Some(OTHER_SECRET)), Ok(()));
    assert_eq!(with(OTHER_SECRET, None), Err(ForgedEvent::WrongSignature));
    assert_eq!(with(OTHER_SECRET, Some("whsec_0123456789")), Err(ForgedEvent::WrongSignature));
}

#[test]
fn a_header_that_is_none_is_no_signature() {
    let no_time = format!("v1={SIGNATURE}");
    let two_times = format!("t={AT},t={AT},v1={SIGNATURE}");
    let only_tests = format!("t={AT},v0={SIGNATURE}");
    for header in ["", ",", "=", "t=", "t=,v1=", "garbage", "💳", &no_time, &two_times, &only_tests] {
        assert_eq!(verify(header), Err(ForgedEvent::NoSignature), "{header}");
    }
    for time in ["x", "-1", "+1", " 1", "1.0", "99999999999999999999"] {
        let header = format!("t={time},v1={SIGNATURE}");
        assert_eq!(verify(&header), Err(ForgedEvent::NoSignature), "{header}");
    }
}

#[test]
fn five_minutes_apart_are_near_enough_and_more_are_not() {
    let header = format!("t={AT},v1={SIGNATURE}");
    let at = |micros: i64| events().verify(&header, BODY, Timestamp::from_micros(AT * 1_000_000 + micros));
    for micros in [0, 300_000_000, -300_000_000] {
        assert_eq!(at(micros), Ok(()));
    }
    for micros in [300_000_001, -300_000_001, 86_400_000_000, i64::MIN / 4] {
        assert_eq!(at(micros), Err(ForgedEvent::Stale));
    }
}

#[test]
fn a_time_cannot_be_changed() {
    for time in [AT - 1, AT + 1, 0, i64::MAX] {
        assert_eq!(verify(&format!("t={time},v1={SIGNATURE}")), Err(ForgedEvent::WrongSignature));
    }
    // Only as it was written.
    assert_eq!(verify(&format!("t=0{AT},v1={SIGNATURE}")), Err(ForgedEvent::WrongSignature));
}

#[test]
fn no_changed_character_of_a_signature_is_taken() {
    let mut tried = 0;
    for at in 0..SIGNATURE.len() {
        for byte in b' '..=b'~' {
            let mut changed = SIGNATURE.as_bytes().to_vec();
            if changed[at] == byte || byte == b',' {
                continue;
            }
            changed[at] = byte;
            let changed = String::from_utf8(changed).expect("ASCII");
            assert_eq!(
                verify(&format!("t={AT},v1={changed}")),
                Err(ForgedEvent::WrongSignature),
                "{changed}"
            );
            tried += 1;
        }
    }
    assert!(tried > 5_000);
    for length in 0..SIGNATURE.len() {
        assert!(verify(&format!("t={AT},v1={}", &SIGNATURE[..length])).is_err());
    }
    for longer in [format!("{SIGNATURE}0"), format!("0{SIGNATURE}"), SIGNATURE.to_uppercase()] {
        assert_eq!(verify(&format!("t={AT},v1={longer}")), Err(ForgedEvent::WrongSignature));
    }
}

#[test]
fn no_changed_bit_of_a_body_is_taken() {
    let header = format!("t={AT},v1={SIGNATURE}");
    for at in 0..BODY.len() {
        for bit in 0..8 {
            let mut body = BODY.to_vec();
            body[at] ^= 1 << bit;
            assert_eq!(events().verify(&header, &body, seconds(AT)), Err(ForgedEvent::WrongSignature));
        }
    }
    assert!(events().verify(&header, &[BODY, b"\n"].concat(), seconds(AT)).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_other_header_is_taken(header in "[ -~]{0,200}|(t=[0-9]{1,20},?|v1=[0-9a-f]{0,70},?|v0=[0-9a-f]{64},?){0,6}|\\PC{0,60}") {
        prop_assert!(verify(&header).is_err());
    }
}
