//! How somebody looks at a page: its language, its theme, whose days its dates are of.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use chrono::DateTime;
use chrono_tz::Tz;
use domain::clock::Timestamp;
use domain::credits::Credits;

use super::figures;
use crate::clock::{rfc3339, to_utc};
use crate::http::texts::{self, Language};

const LANGUAGE: &str = "saldo_language";
const THEME: &str = "saldo_theme";

/// Light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// As the system likes it.
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// The word in cookies and forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::System, Self::Light, Self::Dark].into_iter().find(|theme| theme.as_str() == word)
    }
}

/// How somebody looks at a page.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// What the page speaks.
    pub language: Language,
    /// Light or dark.
    pub theme: Theme,
    /// Whose days dates are of.
    pub zone: Tz,
}

/// A moment, for programs and for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// RFC 3339.
    pub iso: String,
    /// As it is shown.
    pub text: String,
}

fn language_of(word: &str) -> Option<Language> {
    [Language::Portuguese, Language::English].into_iter().find(|language| language.tag() == word)
}

/// What a form chose, as a cookie to keep it in.
pub fn chosen(name: &str, word: &str) -> Option<Cookie<'static>> {
    let (name, value) = match name {
        "language" => (LANGUAGE, language_of(word)?.tag()),
        "theme" => (THEME, Theme::from_word(word)?.as_str()),
        _ => return None,
    };
    let cookie = Cookie::build(name, value).path("/").same_site(SameSite::Lax).http_only(true);
    Some(cookie.max_age(Duration::days(365)).finish())
}

impl Look {
    /// As the request's cookies and its `Accept-Language` want it.
    pub fn of(request: &HttpRequest, zone: Tz) -> Self {
        let kept = |name| request.cookie(name).map(|cookie| cookie.value().to_owned());
        Self {
            language: kept(LANGUAGE)
                .and_then(|word| language_of(&word))
                .unwrap_or_else(|| texts::language_of(request.headers())),
            theme: kept(THEME).and_then(|word| Theme::from_word(&word)).unwrap_or(Theme::System),
            zone,
        }
    }

    /// The text in the language.
    pub fn say(self, portuguese: &'static str, english: &'static str) -> &'static str {
        figures::pick(self.language, portuguese, english)
    }

    /// A whole number.
    pub fn number(self, number: impl TryInto<i64>) -> String {
        figures::grouped(number.try_into().unwrap_or(i64::MAX), self.language)
    }

    /// An amount of credits.
    pub fn credits(self, credits: Credits) -> String {
        self.number(credits.get())
    }

    /// Reais, given in centavos.
    pub fn reais(self, minor: i64) -> String {
        figures::reais(minor, self.language)
    }

    /// So many ten-thousandths, as percent.
    pub fn percent(self, e4: i64) -> String {
        figures::percent(e4, self.language)
    }

    fn local(self, time: Timestamp) -> DateTime<Tz> {
        to_utc(time).with_timezone(&self.zone)
    }

    /// A day.
    pub fn day(self, time: Timestamp) -> String {
        self.local(time).format(self.say("%d/%m/%Y", "%Y-%m-%d")).to_string()
    }

    /// A time of day.
    pub fn hour(self, time: Timestamp) -> String {
        self.local(time).format("%H:%M").to_string()
    }

    /// A day without its year.
    pub fn short_day(self, time: Timestamp) -> String {
        self.local(time).format(self.say("%d/%m", "%m-%d")).to_string()
    }

    /// A moment.
    pub fn when(self, time: Timestamp) -> When {
        let text = self.local(time).format(self.say("%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M")).to_string();
        When { iso: rfc3339(time), text }
    }

    /// Time that has passed or will pass, in its largest unit.
    pub fn span(self, micros: i64) -> String {
        let seconds = micros.unsigned_abs() / 1_000_000;
        match seconds {
            0..=119 => format!("{seconds} s"),
            120..=7_199 => format!("{} min", seconds / 60),
            7_200..=172_799 => format!("{} h", seconds / 3_600),
            _ => format!("{} {}", seconds / 86_400, self.say("dias", "days")),
        }
    }
}
