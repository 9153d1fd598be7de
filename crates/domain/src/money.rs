//! Money: nano-dollars for what the provider charges, minor units for what customers pay.

use std::fmt;

/// An amount of US dollars in nano-dollars (10^-9 USD), exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NanoUsd(i64);

/// A decimal amount that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not digits with at most one point.
    #[error("`{0}` is not a decimal number such as 0.15")]
    NotADecimal(String),
    /// Below zero.
    #[error("`{0}` is negative")]
    Negative(String),
    /// More digits behind the point than can be kept exactly.
    #[error("`{0}` has more than {1} digits behind the point")]
    TooFine(String, u32),
    /// Larger than any sensible price.
    #[error("`{0}` is too large")]
    TooLarge(String),
}

impl NanoUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount: about nine thousand million dollars.
    pub const MAX: Self = Self(i64::MAX);
    const DIGITS: u32 = 9;

    /// From a count of nano-dollars; `None` when negative.
    pub const fn new(nanos: i64) -> Option<Self> {
        if nanos < 0 { None } else { Some(Self(nanos)) }
    }

    /// The count of nano-dollars.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Parses a decimal string of dollars such as `"0.15"`, exactly; at most 9 digits behind the point.
    pub fn parse_usd(text: &str) -> Result<Self, DecimalError> {
        parse_decimal(text, Self::DIGITS).map(Self)
    }

    /// The sum, or `None` when it leaves `i64`.
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
}

/// A decimal string of dollars without trailing zeros: `0.00045`, `12.5`, `0`.
impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0.div_euclid(1_000_000_000), self.0.rem_euclid(1_000_000_000));
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let digits = format!("{rest:09}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

/// An amount of a currency in its minor unit (centavos, cents).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// A currency that plans are sold in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Currency {
    /// Brazilian real.
    Brl,
}

impl Currency {
    /// All currencies.
    pub const ALL: [Self; 1] = [Self::Brl];

    /// The word that clients, stores and the payment provider use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Brl => "brl",
        }
    }

    /// The currency that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|currency| currency.as_str() == word)
    }
}

impl Money {
    /// An amount in minor units; `None` when negative.
    pub const fn new(minor: i64, currency: Currency) -> Option<Self> {
        if minor < 0 { None } else { Some(Self { minor, currency }) }
    }

    /// Parses a decimal string of the major unit such as `"29.00"`; at most 2 digits behind the point.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, DecimalError> {
        Ok(Self { minor: parse_decimal(text, 2)?, currency })
    }

    /// The amount in minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }
}

/// A decimal string as an integer scaled by `10^digits`; no float on the way.
pub fn parse_decimal(text: &str, digits: u32) -> Result<i64, DecimalError> {
    let not_a_decimal = || DecimalError::NotADecimal(text.to_owned());
    let too_large = || DecimalError::TooLarge(text.to_owned());
    if let Some(rest) = text.strip_prefix('-') {
        return Err(if rest.starts_with(|c: char| c.is_ascii_digit()) {
            DecimalError::Negative(text.to_owned())
        } else {
            not_a_decimal()
        });
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || text.ends_with('.') {
        return Err(not_a_decimal());
    }
    let width = digits as usize;
    if fraction.len() > width {
        return Err(DecimalError::TooFine(text.to_owned(), digits));
    }
    format!("{whole}{fraction:0<width$}").parse().map_err(|_| too_large())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_and_written_exactly() {
        for (text, nanos, back) in
            [("0.15", 150_000_000, "0.15"), ("10", 10_000_000_000, "10"), ("0.000000001", 1, "0.000000001")]
        {
            let parsed = NanoUsd::parse_usd(text);
            assert_eq!(parsed, Ok(NanoUsd(nanos)));
            assert_eq!(NanoUsd(nanos).to_string(), back);
        }
    }

    #[test]
    fn odd_decimals_are_refused_by_name() {
        assert!(matches!(NanoUsd::parse_usd("-1"), Err(DecimalError::Negative(_))));
        assert!(matches!(NanoUsd::parse_usd("1e3"), Err(DecimalError::NotADecimal(_))));
        assert!(matches!(NanoUsd::parse_usd("1."), Err(DecimalError::NotADecimal(_))));
        assert!(matches!(NanoUsd::parse_usd(""), Err(DecimalError::NotADecimal(_))));
        assert!(matches!(NanoUsd::parse_usd("0.0000000001"), Err(DecimalError::TooFine(_, 9))));
        assert!(matches!(NanoUsd::parse_usd("99999999999999999999"), Err(DecimalError::TooLarge(_))));
    }
}
