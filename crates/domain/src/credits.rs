//! Whole credits, and the only arithmetic they know.

use std::fmt;

/// An amount of credits, or a difference between two amounts. Always whole.
///
/// The sign depends on where it stands: amounts of grants, holds and charges are never negative,
/// balances and journal amounts may be. Values lie within [`Credits::MAX`] of zero, far inside
/// `i64`, so that a sum over any account fits too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Credits(i64);

/// A sum left the range of [`Credits`]; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an amount of credits is out of range")]
pub struct Overflow;

impl Credits {
    /// No credits.
    pub const ZERO: Self = Self(0);
    /// The largest amount that an account can hold: 10^15 credits.
    pub const MAX: Self = Self(1_000_000_000_000_000);

    /// An amount of either sign; [`Overflow`] when it is further than [`Credits::MAX`] from zero.
    pub const fn new(amount: i64) -> Result<Self, Overflow> {
        if amount > Self::MAX.0 || amount < Self::MAX.0.wrapping_neg() {
            return Err(Overflow);
        }
        Ok(Self(amount))
    }

    /// A small constant amount, for rules and tests that write amounts down.
    pub const fn whole(amount: u32) -> Self {
        Self(amount as i64)
    }

    /// The plain number, for stores and wire formats.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// `self + other`.
    pub fn plus(self, other: Self) -> Result<Self, Overflow> {
        self.0.checked_add(other.0).ok_or(Overflow).and_then(Self::new)
    }

    /// `self - other`.
    pub fn minus(self, other: Self) -> Result<Self, Overflow> {
        self.0.checked_sub(other.0).ok_or(Overflow).and_then(Self::new)
    }

    /// `-self`; cannot fail, the range is symmetric.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self(self.0.wrapping_neg())
    }

    /// `max(0, self)`.
    #[must_use]
    pub fn or_zero(self) -> Self {
        self.max(Self::ZERO)
    }

    /// Whether this is more than nothing.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// The sum of many amounts.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, Overflow> {
        amounts.into_iter().try_fold(Self::ZERO, Self::plus)
    }
}

impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_stop_at_the_range() {
        assert_eq!(Credits::MAX.plus(Credits::whole(1)), Err(Overflow));
        assert_eq!(Credits::MAX.negated().minus(Credits::whole(1)), Err(Overflow));
        assert_eq!(Credits::new(i64::MIN), Err(Overflow));
        assert_eq!(Credits::whole(3).minus(Credits::whole(5)).map(Credits::get), Ok(-2));
    }
}
