//! Counting tokens before they are sent.

use domain::ports::language_model::TokenCounter;
use domain::tokens::Tokens;
use tiktoken_rs::{CoreBPE, cl100k_base_singleton, o200k_base_singleton};

/// The longest stretch without a safe place to cut that is counted exactly, in bytes.
///
/// Words are cut by spaces and are a few bytes long; a stretch of 4 KiB is a text without spaces
/// (about 1,300 Chinese characters without a line break still fit) or an attack. The tokenizer merges
/// pairs of bytes in O(n log n) per stretch, at 200 to 600 ns per byte on long ones against 30 ns on
/// prose: 200 KB of one letter take it 70 ms. Longer stretches count as their bytes instead, which costs
/// nothing and never understates, because every token is at least one byte.
const MAX_STRETCH_BYTES: usize = 4 * 1024;

/// Counts tokens with OpenAI's own vocabularies, `o200k_base` and `cl100k_base`.
///
/// A vocabulary is loaded when it is first counted with, once per process: 0.2 s and 50 MiB in an
/// optimised build. [`Tiktoken::load`] does that ahead of the first request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tiktoken;

impl Tiktoken {
    /// Loads a vocabulary unless it is loaded; does nothing for an unknown one. Takes a while, so not
    /// for a thread that others wait for.
    pub fn load(self, tokenizer: &str) {
        if let Some(vocabulary) = vocabulary(tokenizer) {
            vocabulary();
        }
    }
}

impl TokenCounter for Tiktoken {
    fn count(&self, tokenizer: &str, text: &str) -> Tokens {
        let count = match vocabulary(tokenizer) {
            Some(vocabulary) => count(vocabulary(), text),
            // No vocabulary has a token without bytes.
            None => text.len(),
        };
        Tokens::new(u64::try_from(count).unwrap_or(u64::MAX))
    }

    fn knows(&self, tokenizer: &str) -> bool {
        vocabulary(tokenizer).is_some()
    }
}

/// How the vocabulary of this name is had, without having it yet.
fn vocabulary(tokenizer: &str) -> Option<fn() -> &'static CoreBPE> {
    match tokenizer {
        "o200k_base" => Some(o200k_base_singleton),
        "cl100k_base" => Some(cl100k_base_singleton),
        _ => None,
    }
}

/// The tokens of a text, where stretches that are too long count as their bytes. Text that looks like a
/// special token ("<|endoftext|>") is text: the provider takes it for nothing else.
fn count(vocabulary: &CoreBPE, text: &str) -> usize {
    let mut total = 0;
    // Everything before `counted` is in `total`; `stretch` is where the present stretch begins.
    let (mut counted, mut stretch) = (0, 0);
    let ends = cuts(text).chain([text.len()]);
    for end in ends {
        if end - stretch > MAX_STRETCH_BYTES {
            total += vocabulary.encode_ordinary(&text[counted..stretch]).len() + (end - stretch);
            counted = end;
        }
        stretch = end;
    }
    total + vocabulary.encode_ordinary(&text[counted..]).len()
}

/// Where a text can be cut without changing its tokens.
///
/// Both vocabularies first split a text into pieces by a pattern, and no token spans two pieces. Between
/// these characters every such split falls, whatever stands around them:
/// - something visible, then a blank that is no line break: pieces begin with blanks, they do not end
///   with them;
/// - a line break, then something visible: line breaks end a piece, but for slashes, which may follow.
fn cuts(text: &str) -> impl Iterator<Item = usize> {
    let is_break = |c: char| matches!(c, '\r' | '\n');
    text.char_indices().zip(text.char_indices().skip(1)).filter_map(move |((_, left), (at, right))| {
        let is_cut = if right.is_whitespace() {
            !left.is_whitespace() && !is_break(right)
        } else {
            is_break(left) && right != '/'
        };
        is_cut.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOTH: [&str; 2] = ["o200k_base", "cl100k_base"];

    fn exactly(tokenizer: &str, text: &str) -> Tokens {
        let vocabulary = vocabulary(tokenizer).expect("known");
        Tokens::new(vocabulary().encode_ordinary(text).len() as u64)
    }

    fn counts(text: &str) -> [u64; 2] {
        BOTH.map(|tokenizer| Tiktoken.count(tokenizer, text).get())
    }

    #[test]
    fn two_tokenizers_are_known() {
        assert!(BOTH.iter().all(|tokenizer| Tiktoken.knows(tokenizer)));
        for other in ["", "p50k_base", "O200K_BASE", "o200k_base ", "gpt-4o"] {
            assert!(!Tiktoken.knows(other));
        }
    }

    #[test]
    fn an_unknown_tokenizer_counts_bytes() {
        assert_eq!(Tiktoken.count("unknown", "ação"), Tokens::new(6));
    }

    #[test]
    fn known_texts_have_their_known_counts() {
        assert_eq!(counts(""), [0, 0]);
        assert_eq!(counts("hello world"), [2, 2]);
        assert_eq!(counts("tiktoken is great!"), [6, 6]);
        assert_eq!(counts("Quanto gastei com alimentação neste mês?"), [9, 12]);
        assert_eq!(counts("Não consigo pagar a fatura do cartão de crédito."), [11, 14]);
    }

    #[test]
    fn special_tokens_in_a_text_are_text() {
        for special in ["<|endoftext|>", "<|endofprompt|>", "<|im_start|>"] {
            assert!(counts(special).iter().all(|count| *count > 1), "{special}");
        }
    }

    #[test]
    fn hostile_text_is_never_understated() {
        let families =
            ["a", "A", " ", "\n", "\t", "\u{a0}", "!", "/", "1", "é", "\u{301}", "😀", "👩‍👩‍👧‍👦", "漢", "\0"];
        for family in families {
            let text = family.repeat(20_000 / family.len());
            for text in [text.clone(), format!("{text}x"), format!("x {text}\n{text}/ x")] {
                for tokenizer in BOTH {
                    let count = Tiktoken.count(tokenizer, &text);
                    assert!(count >= exactly(tokenizer, &text), "{family:?}");
                    assert!(count.get() <= text.len() as u64, "{family:?}");
                }
            }
        }
    }

    #[test]
    fn a_long_stretch_counts_as_its_bytes_and_the_rest_as_tokens() {
        let text = format!("hello world {}\nhello world", "x".repeat(5_000));
        // The space before the stretch and the line break behind it belong to it.
        assert_eq!(counts(&text), [2 + 5_002 + 2; 2]);
    }

    #[test]
    fn long_prose_is_counted_exactly() {
        let text = "Gastei R$ 1.234,56 no mercado;\r\n\r\n  e agora?\n\t// não sei…  ".repeat(500);
        for tokenizer in BOTH {
            assert_eq!(Tiktoken.count(tokenizer, &text), exactly(tokenizer, &text));
        }
    }

    proptest! {
        /// The claim that cuts rest on, over characters of every kind that the patterns tell apart.
        #[test]
        fn a_cut_changes_no_token(text in "([ \t\r\n\u{85}\u{a0}\u{2028}]|[aZzÀéßłΩжאعहあ漢한ǅʰⅧⓐ]|[0-9٣½]|['/!.,<|>_\\-€😀\u{200d}\u{301}\u{fe0f}\0]|'s|'LL|\\PC){0,24}") {
            for tokenizer in BOTH {
                let whole = exactly(tokenizer, &text);
                for cut in cuts(&text) {
                    let (left, right) = text.split_at(cut);
                    prop_assert_eq!(exactly(tokenizer, left).plus(exactly(tokenizer, right)), whole);
                }
            }
        }
    }
}
