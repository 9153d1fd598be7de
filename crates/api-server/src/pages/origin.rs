//! Whether a form was sent by one of our own pages.

use actix_web::HttpRequest;
use actix_web::http::header::ORIGIN;
use url::{Position, Url};

use crate::http::problem::{Kind, Problem};

/// Refuses what another site sent, and what does not say who did. Browsers say it with `Sec-Fetch-Site`, and where
/// they do not trust the connection enough for that, with `Origin`.
pub fn own_page(request: &HttpRequest) -> Result<(), Problem> {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let own = match text("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => text(ORIGIN.as_str()).is_some_and(|origin| {
            Url::parse(origin).is_ok_and(|url| {
                &url[Position::BeforeHost..Position::AfterPort] == request.connection_info().host()
            })
        }),
    };
    if own { Ok(()) } else { Err(Problem::because(Kind::Forbidden, "a form that no page of ours sent")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn taken(headers: &[(&'static str, &'static str)]) -> bool {
        let request =
            headers.iter().fold(TestRequest::post(), |request, header| request.insert_header(*header));
        own_page(&request.insert_header(("host", "saldo.test:3001")).to_http_request()).is_ok()
    }

    #[test]
    fn only_our_own_pages_may_send_forms() {
        assert!(taken(&[("sec-fetch-site", "same-origin")]));
        assert!(taken(&[("origin", "http://saldo.test:3001")]));
        for other in [
            &[][..],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "cross-site"), ("origin", "http://saldo.test:3001")],
            &[("origin", "null")],
            &[("origin", "http://saldo.test:3002")],
            &[("origin", "http://saldo.test:3001.evil.test")],
            &[("origin", "http://evil.test")],
        ] {
            assert!(!taken(other), "{other:?}");
        }
    }
}
