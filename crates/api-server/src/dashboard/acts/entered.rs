//! What people enter, as what it means; or in words why it means nothing.

use chrono::{Days, NaiveDate};
use domain::clock::Timestamp;
use domain::services::assistant::question::FieldRule;

use super::Faults;
use crate::clock::{day_start, to_timestamp};
use crate::dashboard::posted::Posted;
use crate::http::fields::text_fault;
use crate::http::texts;
use crate::pages::look::Look;
use crate::routes::LONGEST_REASON;

/// Notes a fault, in words that begin with a capital.
pub fn fault(faults: &mut Faults, name: &'static str, rule: &FieldRule, look: Look) {
    let text = texts::rule(rule, look.language);
    let mut letters = text.chars();
    let capital: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    faults.push((name, format!("{capital}{}.", letters.as_str())));
}

/// Why something is done.
pub fn reason(posted: &Posted, faults: &mut Faults, look: Look) -> String {
    let reason = posted.get("reason");
    if reason.is_empty() {
        fault(faults, "reason", &FieldRule::Required, look);
    } else if let Some(rule) = text_fault(reason, LONGEST_REASON) {
        fault(faults, "reason", &rule, look);
    }
    reason.to_owned()
}

/// A whole number from 1 on; thousands may be set apart.
pub fn whole(text: &str) -> Option<i64> {
    let groups: Vec<&str> = text.split(['.', ',', ' ', '\u{a0}']).collect();
    let digits =
        groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_digit()) && !group.is_empty());
    let threes = groups.iter().skip(1).all(|group| group.len() == 3);
    let first = groups.first().is_some_and(|group| groups.len() == 1 || group.len() <= 3);
    if digits && threes && first { groups.concat().parse().ok() } else { None }
}

/// An amount of reais in centavos: `14`, `14,5`, `14.50`, `R$ 14,50`.
pub fn centavos(text: &str) -> Option<i64> {
    let text = text.trim_start_matches("R$").trim();
    let (whole, fraction) = text.split_once([',', '.']).unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 2 {
        return None;
    }
    let cents: i64 = format!("{fraction:0<2}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents)
}

/// The end of a day.
pub fn day_end(text: &str, look: Look) -> Option<Timestamp> {
    let next = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.checked_add_days(Days::new(1))?;
    (text.len() == 10).then(|| to_timestamp(day_start(look.zone, next)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_may_have_their_thousands_set_apart() {
        for (text, number) in [("5000", 5000), ("5.000", 5000), ("1,000,000", 1_000_000), ("12 000", 12_000)]
        {
            assert_eq!(whole(text), Some(number), "{text}");
        }
        for text in [
            "",
            "-5",
            "+5",
            "5.00",
            "5.0000",
            "5000.000",
            ".500",
            "1e3",
            "५",
            "5..000",
            "99999999999999999999",
        ] {
            assert_eq!(whole(text), None, "{text}");
        }
    }

    #[test]
    fn amounts_are_read_to_the_centavo() {
        for (text, centavo) in [("14", 1400), ("14,5", 1450), ("14.50", 1450), ("R$ 14,05", 1405)] {
            assert_eq!(centavos(text), Some(centavo), "{text}");
        }
        for text in ["", "14,", ",5", "14,505", "1.450,00", "-1", "R$", "99999999999999999999"] {
            assert_eq!(centavos(text), None, "{text}");
        }
    }
}
