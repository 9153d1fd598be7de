//! How many tokens a request took.

use super::Meter;
use super::order::Order;
use crate::catalog::Purpose;
use crate::tokens::{TokenUsage, Tokens};

/// Tokens, and whether we counted them ourselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Measured {
    pub tokens: TokenUsage,
    pub estimated: bool,
}

impl Meter {
    /// The provider's figures, or our own count where it gave none or none that can be true (row 5).
    pub(super) fn measure(&self, order: &Order, said: Option<TokenUsage>, text: &str) -> Measured {
        match said.filter(|usage| believable(order, usage)) {
            Some(usage) => Measured { tokens: usage.coherent(), estimated: false },
            None => self.estimate(order, text),
        }
    }

    /// Our own count: the input, and the output that was received.
    pub(super) fn estimate(&self, order: &Order, text: &str) -> Measured {
        let output = self.counter.count(&order.model.tokenizer, text);
        let tokens = TokenUsage { input: order.extent.input, output, ..TokenUsage::default() };
        Measured { tokens, estimated: true }
    }
}

fn believable(order: &Order, usage: &TokenUsage) -> bool {
    if order.model.purpose == Purpose::Embeddings {
        // Many texts may be embedded at once, each as long as the window.
        return usage.input > Tokens::ZERO;
    }
    let most = order.model.context_window.times(order.extent.choices.max(1));
    usage.input > Tokens::ZERO && usage.output > Tokens::ZERO && usage.total() <= most
}
