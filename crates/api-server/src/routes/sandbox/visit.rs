//! How somebody looks at a page.

use chrono_tz::Tz;
use domain::clock::Timestamp;

use super::texts::pick;
use crate::clock::to_utc;
use crate::http::texts::Language;

/// How somebody looks at a page.
pub struct Visit {
    /// What the page speaks.
    pub language: Language,
    /// Whether the language was chosen on the page; then its links keep it.
    pub chosen: bool,
    /// Whether the webhook did not take what was sent just now.
    pub undelivered: bool,
    /// Whose days dates are of.
    pub zone: Tz,
}

impl Visit {
    /// What is to stand in addresses besides the path.
    pub fn query(&self) -> String {
        let language = self.chosen.then(|| format!("lang={}", self.language.tag()));
        let undelivered = self.undelivered.then(|| "undelivered=1".to_owned());
        let parts: Vec<String> = language.into_iter().chain(undelivered).collect();
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }

    /// The same without the word on delivery, which is said once.
    pub fn language_only(&self) -> String {
        if self.chosen { format!("?lang={}", self.language.tag()) } else { String::new() }
    }

    /// The text in the visit's language.
    pub fn say(&self, portuguese: &'static str, english: &'static str) -> &'static str {
        pick(self.language, portuguese, english)
    }

    /// The day of a moment.
    pub fn date(&self, time: Timestamp) -> String {
        let format = self.say("%d/%m/%Y", "%Y-%m-%d");
        to_utc(time).with_timezone(&self.zone).format(format).to_string()
    }
}
