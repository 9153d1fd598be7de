//! Letters, as a mail server gets them.

use adapters_notify::{Letters, SmtpServer};
use domain::language::Language;
use domain::ports::notices::{Courier, CourierError, Recipient};
use testkit::post::MailServer;

use crate::{message, to};

fn letters(url: &str) -> Letters {
    let server: SmtpServer = url.parse().expect("a server");
    let sender = "Saldo <no-reply@mail.example.com>".parse().expect("a sender");
    Letters::new(&server, sender, "https://app.test").expect("a client")
}

#[tokio::test]
async fn a_letter_has_a_text_and_an_html_part_in_the_readers_language() {
    let server = MailServer::start().await;
    let letters = letters(&server.url());
    letters.send(&message(to("maria@example.com", Language::Portuguese))).await.expect("sent");
    letters.send(&message(to("mary@example.com", Language::English))).await.expect("sent");
    let got = server.letters();
    let [portuguese, english] = &got[..] else { panic!("two letters: {got:?}") };
    assert_eq!(
        (portuguese.from.as_str(), &portuguese.to[..]),
        ("no-reply@mail.example.com", &["maria@example.com".to_owned()][..])
    );
    assert_eq!(portuguese.header("Subject").as_deref(), Some("Seus créditos de IA estão acabando"));
    assert_eq!(english.header("Subject").as_deref(), Some("Your AI credits are running low"));
    for (mail, words) in [(portuguese, "Saldo de créditos"), (english, "Credits left")] {
        for kind in ["text/plain", "text/html"] {
            let part = mail.part(kind).expect("the part is there");
            assert!(
                part.contains(words) && part.contains("https://app.test/upgrade") && part.contains("91"),
                "{part}"
            );
        }
        assert!(mail.header("From").is_some_and(|from| from.contains("no-reply@mail.example.com")));
        assert_eq!(mail.header("Message-ID").as_deref(), Some("<msg_0123456789abcdef@mail.example.com>"));
        assert_eq!(mail.header("Date").as_deref(), Some("Thu, 01 Jan 2026 00:00:00 +0000"));
        assert_eq!(mail.header("Auto-Submitted").as_deref(), Some("auto-generated"));
    }
    assert!(server.credentials().is_empty());
}

#[tokio::test]
async fn a_server_that_asks_who_it_is_is_told() {
    let server = MailServer::start().await;
    letters(&server.url_for("user", "pass%20word"))
        .send(&message(to("maria@example.com", Language::English)))
        .await
        .expect("sent");
    // base64 of "\0user\0pass word".
    assert_eq!(server.credentials(), ["AHVzZXIAcGFzcyB3b3Jk"]);
}

#[tokio::test]
async fn what_the_server_says_decides_whether_it_is_asked_again_and_is_not_repeated() {
    let server = MailServer::start().await;
    let letters = letters(&server.url_for("user", "password"));
    for (refusal, code, for_good) in [
        (("RCPT", "550 5.1.1 no such user <maria@example.com>"), 550, true),
        (("DATA", "554 5.7.1 spam from maria@example.com"), 554, true),
        (("RCPT", "451 4.3.0 maria@example.com: try later"), 451, false),
        (("MAIL", "421 4.7.0 too many"), 421, false),
        (("AUTH", "535 5.7.8 wrong password"), 535, false),
    ] {
        server.refuse(Some(refusal));
        let error = letters.send(&message(to("maria@example.com", Language::English))).await.expect_err("no");
        let said = error.to_string();
        assert_eq!(matches!(error, CourierError::Refused(_)), for_good, "{said}");
        assert!(
            said.contains(&code.to_string()) && !said.contains("maria") && !said.contains("password"),
            "{said}"
        );
    }
    server.refuse(None);
    letters.send(&message(to("maria@example.com", Language::English))).await.expect("sent");
    assert_eq!(server.letters().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_away_is_asked_again_later() {
    let mut server = MailServer::start().await;
    let letters = letters(&server.url());
    server.stop().await;
    let error = letters.send(&message(to("maria@example.com", Language::English))).await.expect_err("away");
    assert!(matches!(&error, CourierError::Failed { retry_after: None, .. }), "{error}");
    assert!(!error.to_string().contains("maria"), "{error}");
    server.start_again().await;
    letters.send(&message(to("maria@example.com", Language::English))).await.expect("sent");
}

#[tokio::test]
async fn a_server_without_starttls_is_told_nothing() {
    let server = MailServer::start().await;
    // An address of this machine that is not taken for one: so the server must encrypt.
    let url = server.url_for("user", "password").replace("127.0.0.1", "127.1");
    let parsed: SmtpServer = url.parse().expect("a server");
    assert_eq!(parsed.encryption(), adapters_notify::Encryption::StartTls);
    let error =
        letters(&url).send(&message(to("maria@example.com", Language::English))).await.expect_err("no");
    assert!(error.to_string().contains("AUTH or STARTTLS"), "{error}");
    assert!(server.credentials().is_empty() && server.letters().is_empty());
}

#[tokio::test]
async fn an_endpoint_has_no_mailbox() {
    let server = MailServer::start().await;
    let error = letters(&server.url()).send(&message(Recipient::Endpoint)).await.expect_err("no");
    assert!(matches!(error, CourierError::Refused(_)));
}
