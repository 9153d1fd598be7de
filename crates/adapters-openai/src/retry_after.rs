//! When a provider says that it may be asked again.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// What `retry-after-ms` or `Retry-After` says; a moment counts from the answer's own `Date`, if it has one, so that
/// clocks need not agree.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |name: &str, unit_ms: f64| {
        let number: f64 = text(name)?.parse().ok()?;
        // Refuses what is negative, infinite or no number.
        Duration::try_from_secs_f64(number * unit_ms / 1000.0).ok()
    };
    number("retry-after-ms", 1.0).or_else(|| number(RETRY_AFTER.as_str(), 1000.0)).or_else(|| {
        let moment = httpdate::parse_http_date(text(RETRY_AFTER.as_str())?).ok()?;
        let now = text(DATE.as_str()).and_then(|date| httpdate::parse_http_date(date).ok());
        Some(moment.duration_since(now.unwrap_or_else(SystemTime::now)).unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(headers: &[(&'static str, &str)]) -> Option<Duration> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        retry_after(&headers.collect())
    }

    #[test]
    fn seconds_milliseconds_and_dates_are_read() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:30 GMT");
        for (headers, expected) in [
            (vec![("retry-after", "7")], Some(Duration::from_secs(7))),
            (vec![("retry-after", " 0 ")], Some(Duration::ZERO)),
            (vec![("retry-after", "1.5")], Some(Duration::from_millis(1500))),
            (vec![("retry-after", "7"), ("retry-after-ms", "250")], Some(Duration::from_millis(250))),
            (vec![("retry-after", "7"), ("retry-after-ms", "soon")], Some(Duration::from_secs(7))),
            (vec![("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"), date], Some(Duration::from_secs(7))),
            (vec![("retry-after", "Sun, 06 Nov 1994 08:49:00 GMT"), date], Some(Duration::ZERO)),
            (vec![("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], Some(Duration::ZERO)),
            (vec![("retry-after", "-7")], None),
            (vec![("retry-after", "NaN")], None),
            (vec![("retry-after", "inf")], None),
            (vec![("retry-after", "1e300")], None),
            (vec![("retry-after", "tomorrow")], None),
            (vec![("retry-after", "")], None),
            (vec![date], None),
        ] {
            assert_eq!(said(&headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_date_counts_from_our_clock_where_the_answer_has_none() {
        let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_mins(1));
        let wait = said(&[("retry-after", &later)]).unwrap();
        assert!((55..=60).contains(&wait.as_secs()), "{wait:?}");
    }
}
