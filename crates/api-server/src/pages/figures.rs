//! Figures as people write them.

use domain::money::NanoUsd;
use domain::reports::reais::NanoBrl;

use crate::http::texts::Language;

/// The text in a language.
pub fn pick(language: Language, portuguese: &'static str, english: &'static str) -> &'static str {
    match language {
        Language::Portuguese => portuguese,
        Language::English => english,
    }
}

/// An amount of reais, given in centavos.
pub fn reais(minor: i64, language: Language) -> String {
    signed(minor < 0, "R$", &scaled(i128::from(minor), 2, 2, language))
}

/// A whole number with its thousands set apart.
pub fn grouped(number: i64, language: Language) -> String {
    signed(number < 0, "", &scaled(i128::from(number), 0, 0, language))
}

/// A whole number with its sign, plus included.
pub fn change(number: i64, language: Language) -> String {
    let plus = if number > 0 { "+" } else { "" };
    format!("{plus}{}", grouped(number, language))
}

/// Reais of a report, to the centavo; amounts below a real to four digits, so that small costs are seen.
pub fn exact_reais(amount: NanoBrl, language: Language) -> String {
    let nanos = nanos(&amount.to_string());
    signed(nanos < 0, "R$", &scaled(nanos, 9, digits_of(nanos), language))
}

/// Dollars, the same way.
pub fn dollars(cost: NanoUsd, language: Language) -> String {
    let nanos = i128::from(cost.get());
    signed(nanos < 0, "US$", &scaled(nanos, 9, digits_of(nanos), language))
}

/// So many of ten thousand, as percent with one digit.
pub fn percent(e4: i64, language: Language) -> String {
    signed(e4 < 0, "", &format!("{}%", scaled(i128::from(e4), 2, 1, language)))
}

/// Milliseconds: `850 ms`, `2,5 s`.
pub fn milliseconds(ms: u64, language: Language) -> String {
    if ms < 1000 {
        return format!("{ms}\u{a0}ms");
    }
    format!("{}\u{a0}s", scaled(i128::from(ms), 3, if ms < 10_000 { 2 } else { 1 }, language))
}

/// The nano-units of a decimal string with at most nine digits behind the point. What is none is nothing.
pub fn nanos(decimal: &str) -> i128 {
    let size = decimal.trim_start_matches('-');
    let (whole, fraction) = size.split_once('.').unwrap_or((size, ""));
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let value = format!("{whole}{digits}").parse::<i128>().unwrap_or_default();
    if decimal.starts_with('-') { -value } else { value }
}

/// Where one thing stands against another, in ten-thousandths more or less; `None` without anything to compare with.
pub fn change_e4(now: i128, before: i128) -> Option<i64> {
    if before <= 0 {
        return None;
    }
    let change = (now - before).saturating_mul(10_000) / before;
    i64::try_from(change).ok()
}

fn digits_of(nanos: i128) -> u32 {
    let size = nanos.unsigned_abs();
    if size > 0 && size < 1_000_000_000 { 4 } else { 2 }
}

fn signed(negative: bool, unit: &str, size: &str) -> String {
    let minus = if negative && size.contains(|c: char| c.is_ascii_digit() && c != '0') { "−" } else { "" };
    if unit.is_empty() { format!("{minus}{size}") } else { format!("{minus}{unit}\u{a0}{size}") }
}

/// The size of a number that counts `10^-places`, rounded half up to so many digits.
fn scaled(number: i128, places: u32, digits: u32, language: Language) -> String {
    let drop = 10_u128.pow(places.saturating_sub(digits));
    let rounded = (number.unsigned_abs() + drop / 2) / drop;
    let unit = 10_u128.pow(digits.min(places));
    let mut text = thousands(rounded / unit, language);
    if unit > 1 {
        let width = digits.min(places) as usize;
        text.push_str(pick(language, ",", "."));
        let fraction = format!("{:0width$}", rounded % unit);
        text.push_str(&fraction);
    }
    text
}

fn thousands(number: u128, language: Language) -> String {
    let digits = number.to_string();
    let separator = pick(language, ".", ",");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push_str(separator);
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_people_write_them() {
        for (minor, portuguese, english) in [
            (2900, "R$\u{a0}29,00", "R$\u{a0}29.00"),
            (5, "R$\u{a0}0,05", "R$\u{a0}0.05"),
            (-199, "−R$\u{a0}1,99", "−R$\u{a0}1.99"),
            (123_456_789, "R$\u{a0}1.234.567,89", "R$\u{a0}1,234,567.89"),
        ] {
            assert_eq!(reais(minor, Language::Portuguese), portuguese);
            assert_eq!(reais(minor, Language::English), english);
        }
        assert_eq!(grouped(100_000, Language::Portuguese), "100.000");
        assert_eq!(grouped(-1_999, Language::English), "−1,999");
        assert_eq!(change(20, Language::English), "+20");
    }

    #[test]
    fn small_costs_are_seen_and_nothing_has_no_sign() {
        let usd = |nanos| dollars(NanoUsd::new(nanos).unwrap(), Language::English);
        assert_eq!(
            [0, 6_435_000, 999_950_000, 1_234_567_000].map(usd),
            ["US$\u{a0}0.00", "US$\u{a0}0.0064", "US$\u{a0}1.0000", "US$\u{a0}1.23"]
        );
        let brl = NanoBrl::of_minor(-199).less(NanoBrl::of_minor(-200));
        assert_eq!(exact_reais(brl, Language::Portuguese), "R$\u{a0}0,0100");
        assert_eq!(nanos("-12.5"), -12_500_000_000);
        assert_eq!(percent(-5, Language::Portuguese), "−0,1%");
        assert_eq!(percent(-4, Language::Portuguese), "0,0%");
        assert_eq!(percent(12_345, Language::English), "123.5%");
        assert_eq!(
            [850, 2500, 61_000].map(|ms| milliseconds(ms, Language::English)),
            ["850\u{a0}ms", "2.50\u{a0}s", "61.0\u{a0}s"]
        );
    }

    #[test]
    fn changes_need_something_to_compare_with() {
        assert_eq!(change_e4(150, 100), Some(5_000));
        assert_eq!(change_e4(0, 100), Some(-10_000));
        assert_eq!((change_e4(5, 0), change_e4(5, -5)), (None, None));
    }
}
