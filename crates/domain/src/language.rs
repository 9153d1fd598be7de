//! The languages that users are spoken to in.

/// A language of ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// Brazilian Portuguese; without a wish, this.
    #[default]
    Portuguese,
    /// English.
    English,
}

impl Language {
    /// All languages.
    pub const ALL: [Self; 2] = [Self::Portuguese, Self::English];

    /// The tag that clients and stores see: `pt-BR` or `en`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Portuguese => "pt-BR",
            Self::English => "en",
        }
    }

    /// The language of that tag.
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// The one of two that is in this language.
    pub fn pick<T>(self, portuguese: T, english: T) -> T {
        match self {
            Self::Portuguese => portuguese,
            Self::English => english,
        }
    }

    /// A whole number with its thousands set apart.
    pub fn grouped(self, number: i64) -> String {
        let digits = number.unsigned_abs().to_string();
        let mut text = if number < 0 { "-".to_owned() } else { String::new() };
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && digits.len().saturating_sub(index).is_multiple_of(3) {
                text.push(self.pick('.', ','));
            }
            text.push(digit);
        }
        text
    }

    /// An amount of reais, given in centavos.
    pub fn reais(self, minor: i64) -> String {
        let sign = if minor < 0 { "-" } else { "" };
        let (whole, rest) = (minor.unsigned_abs().div_euclid(100), minor.unsigned_abs().rem_euclid(100));
        let whole = self.grouped(i64::try_from(whole).unwrap_or(i64::MAX));
        format!("{sign}R$ {whole}{}{rest:02}", self.pick(',', '.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_people_write_them() {
        for (minor, portuguese, english) in [
            (2900, "R$ 29,00", "R$ 29.00"),
            (5, "R$ 0,05", "R$ 0.05"),
            (-199, "-R$ 1,99", "-R$ 1.99"),
            (123_456_789, "R$ 1.234.567,89", "R$ 1,234,567.89"),
        ] {
            assert_eq!(Language::Portuguese.reais(minor), portuguese);
            assert_eq!(Language::English.reais(minor), english);
        }
        for (number, portuguese) in
            [(100_000, "100.000"), (999, "999"), (-999, "-999"), (-1000, "-1.000"), (0, "0")]
        {
            assert_eq!(Language::Portuguese.grouped(number), portuguese);
        }
    }

    #[test]
    fn a_language_is_known_by_its_tag() {
        for language in Language::ALL {
            assert_eq!(Language::from_tag(language.tag()), Some(language));
        }
        assert_eq!(Language::from_tag("pt"), None);
    }
}
