//! Counts of tokens, as a language model bills them.

use std::fmt;

/// A number of tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tokens(u64);

impl Tokens {
    /// No tokens.
    pub const ZERO: Self = Self(0);
    /// The largest count that is taken seriously: 10^9 tokens. Above it a provider's figure is absurd.
    pub const MAX: Self = Self(1_000_000_000);

    /// A count, cut at [`Tokens::MAX`].
    pub const fn new(count: u64) -> Self {
        if count > Self::MAX.0 { Self::MAX } else { Self(count) }
    }

    /// The plain number, for stores and wire formats.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The sum, cut at [`Tokens::MAX`].
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self::new(self.0.saturating_add(other.0))
    }

    /// What is left after taking `other` away; never below zero.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// As many times over, cut at [`Tokens::MAX`].
    #[must_use]
    pub const fn times(self, factor: u64) -> Self {
        Self::new(self.0.saturating_mul(factor))
    }
}

impl fmt::Display for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The tokens of one AI request, by the kinds that are priced apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenUsage {
    /// Prompt tokens, cached ones included.
    pub input: Tokens,
    /// The part of `input` that the provider served from its cache.
    pub cached_input: Tokens,
    /// Completion tokens, reasoning included.
    pub output: Tokens,
    /// The part of `output` that was reasoning.
    pub reasoning: Tokens,
}

impl TokenUsage {
    /// Input and output together.
    pub const fn total(self) -> Tokens {
        self.input.plus(self.output)
    }

    /// The same figures with each part held to its whole: a provider that reports more cached
    /// tokens than tokens is not believed.
    #[must_use]
    pub fn coherent(self) -> Self {
        Self {
            cached_input: self.cached_input.min(self.input),
            reasoning: self.reasoning.min(self.output),
            ..self
        }
    }
}
