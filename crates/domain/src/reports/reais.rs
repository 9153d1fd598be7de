//! Reais in reports: exact to the nano, of either sign. (What customers pay is [`crate::money::Money`].)

use std::fmt;

use crate::money::NanoUsd;

/// An amount of reais in nano-reais.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NanoBrl(i128);

/// Nano-reais in a centavo.
const CENTAVO: i128 = 10_000_000;
const REAL: i128 = 1_000_000_000;

impl NanoBrl {
    /// Of centavos.
    pub fn of_minor(minor: i64) -> Self {
        Self(i128::from(minor).saturating_mul(CENTAVO))
    }

    /// Of dollars, at so many ten-thousandths of a real for a dollar; rounded up to the nano.
    pub fn of_usd(cost: NanoUsd, usd_brl_e4: i64) -> Self {
        let scaled = i128::from(cost.get()).saturating_mul(i128::from(usd_brl_e4));
        Self(scaled.saturating_add(9_999).div_euclid(10_000))
    }

    /// What is left after taking `other` away; below zero when that is more.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// A decimal string with two digits behind the point, and more where there are more: `29.00`, `-0.0006435`.
impl fmt::Display for NanoBrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let size = self.0.unsigned_abs();
        let (whole, rest) = (size.div_euclid(REAL.unsigned_abs()), size.rem_euclid(REAL.unsigned_abs()));
        let digits = format!("{rest:09}");
        let (centavos, finer) = digits.split_at_checked(2).unwrap_or((&digits, ""));
        write!(f, "{sign}{whole}.{centavos}{}", finer.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reais_have_two_digits_or_as_many_as_there_are() {
        let cost = |nanos| NanoBrl::of_usd(NanoUsd::new(nanos).expect("not negative"), 55_000);
        assert_eq!(NanoBrl::of_minor(2900).to_string(), "29.00");
        assert_eq!(cost(117_000).to_string(), "0.0006435");
        assert_eq!(cost(1).to_string(), "0.000000006", "rounded up");
        assert_eq!(NanoBrl::default().less(cost(117_000)).to_string(), "-0.0006435");
        assert_eq!(NanoBrl::of_minor(-5).to_string(), "-0.05");
        assert_eq!(NanoBrl::of_minor(-199).less(NanoBrl::of_minor(-200)).to_string(), "0.01");
    }
}
