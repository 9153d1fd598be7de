//! Forms change the books, once, and write down what they should.

use serde_json::json;

use super::browser::{Browser, Page};
use crate::harness::{Server, Setup, User, next_key, token};

/// Enters, looks at what will happen, and agrees.
async fn all_the_way(browser: &Browser<'_>, path: &str, fields: &[(&str, &str)]) -> Page {
    let form = browser.see(path).await;
    let review = browser.submit(&form, path, &[fields, &[("step", "review")]].concat()).await;
    assert_eq!(review.status, 200, "{}", review.html);
    assert!(review.has("What will happen"), "{}", review.html);
    browser.submit(&review, path, &[("step", "act")]).await
}

fn address(user: &User) -> String {
    format!("/admin/users/{}", adapters_jwt::user_id(&user.sub))
}

async fn audit(server: &Server) -> Vec<(String, String, String)> {
    let mut entries =
        server.stores.audit.audit(domain::ports::audit::AuditFilter::default(), None, 50).await.unwrap();
    // That a catalogue came into force is no act of an admin.
    entries.retain(|entry| entry.note.action != domain::audit::CATALOGUE_CHANGE);
    let entry = |entry: &domain::audit::AuditEntry| {
        let note = &entry.note;
        (note.action.clone(), note.by.via.clone(), note.reason.clone().unwrap_or_default())
    };
    entries.iter().map(entry).collect()
}

fn row(action: &str, reason: &str) -> (String, String, String) {
    (action.to_owned(), "dashboard".to_owned(), reason.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn credits_are_given_and_taken_after_a_second_look() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        let browser = Browser::admin(&server).await;
        let user = server.stranger();
        let give = format!("{}/give", address(&user));
        let form = browser.see(&give).await;
        let entered = [("amount", "5.000"), ("expires", "2999-01-31"), ("reason", "cortesia")];
        let review = browser.submit(&form, &give, &[&entered[..], &[("step", "review")]].concat()).await;
        assert!(review.has("gets 5,000 credits") && review.has("from 0 to 5,000"), "{}", review.html);
        assert!(review.has("expires at 2999-02-01 00:00"), "{}", review.html);
        assert_eq!(server.credits(&user).await["total_credits"], 0, "to look is not to act");
        let back = browser.submit(&review, &give, &[("step", "back")]).await;
        assert!(
            back.has("value=\"5.000\"") && back.has("2999-01-31") && back.has("cortesia"),
            "{}",
            back.html
        );
        let done = browser.submit(&review, &give, &[("step", "act")]).await;
        assert_eq!((done.status, done.leads_to()), (303, address(&user).as_str()), "{}", done.html);
        assert!(browser.see(done.leads_to()).await.has("5,000 credits granted."));
        assert!(!browser.see(done.leads_to()).await.has("5,000 credits granted."), "said once");
        // A second click, or the browser's way back and forth.
        let again = browser.submit(&review, &give, &[("step", "act")]).await;
        assert!(browser.see(again.leads_to()).await.has("sent before"));
        assert_eq!(server.credits(&user).await["total_credits"], 5000);

        let take = format!("{}/take", address(&user));
        let taken = all_the_way(&browser, &take, &[("amount", "1500"), ("reason", "engano")]).await;
        assert!(browser.see(taken.leads_to()).await.has("1,500 credits taken."));
        assert_eq!(server.credits(&user).await["available_credits"], 3500);
        assert_eq!(audit(&server).await, [row("credits.adjust", "engano"), row("credits.grant", "cortesia")]);
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_says_what_is_wrong_and_loses_nothing() {
    let server = Setup::sqlite().start().await;
    let browser = Browser::admin(&server).await;
    let user = server.user(100).await;
    let long = "x".repeat(501);
    let far = [("amount", "7"), ("reason", "palavras"), ("expires", "2020-01-01")];
    for (act, entered, fault) in [
        ("give", vec![("amount", ""), ("reason", "palavras")], "Is required"),
        ("give", vec![("amount", "0"), ("reason", "palavras")], "Must be a whole number from 1 to"),
        ("give", vec![("amount", "1000000001"), ("reason", "palavras")], "Must be a whole number from 1 to"),
        ("give", vec![("amount", "1.5"), ("reason", "palavras")], "Must be a whole number from 1 to"),
        ("give", vec![("amount", "-5"), ("reason", "palavras")], "Must be a whole number from 1 to"),
        ("give", vec![("amount", "7"), ("reason", "  ")], "Is required"),
        ("give", vec![("amount", "7"), ("reason", &long)], "Must have at most 500 characters"),
        ("give", far.to_vec(), "today or later"),
        ("take", vec![("amount", "101"), ("reason", "palavras")], "less than that available"),
        ("suspend", vec![("reason", "")], "Is required"),
        ("resume", vec![("source", "admin"), ("reason", "palavras")], "This suspension is over"),
    ] {
        let path = format!("{}/{act}", address(&user));
        let form = browser.see(&path).await;
        let page = browser.submit(&form, &path, &[&entered[..], &[("step", "review")]].concat()).await;
        assert_eq!(page.status, 422, "{act} {entered:?}: {}", page.html);
        assert!(page.has(fault) && page.has("aria-invalid=\"true\""), "{fault}: {}", page.html);
        for (name, value) in &entered {
            assert!(*name == "source" || page.has(value.trim()), "{value} is lost: {}", page.html);
        }
        assert_eq!(page.field(&path, "key"), form.field(&path, "key"), "still the same act");
    }
    assert_eq!(server.credits(&user).await["total_credits"], 100);

    // What the books refuse at the last moment is said too.
    let path = format!("{}/take", address(&user));
    let form = browser.see(&path).await;
    let review =
        browser.submit(&form, &path, &[("amount", "80"), ("reason", "palavras"), ("step", "review")]).await;
    server.move_credits(&user, -50, &next_key()).await;
    let refused = browser.submit(&review, &path, &[("step", "act")]).await;
    assert_eq!(refused.status, 409, "{}", refused.html);
    assert!(refused.has("Only 50 credits are available") && refused.has("value=\"80\""), "{}", refused.html);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_names_another_act_is_said_and_renewed() {
    let server = Setup::sqlite().start().await;
    let browser = Browser::admin(&server).await;
    let user = server.stranger();
    let path = format!("{}/give", address(&user));
    let form = browser.see(&path).await;
    let first = [("amount", "10"), ("reason", "um"), ("step", "act")];
    assert_eq!(browser.submit(&form, &path, &first).await.status, 303);
    let page = browser.submit(&form, &path, &[("amount", "20"), ("reason", "dois"), ("step", "act")]).await;
    assert_eq!(page.status, 422, "{}", page.html);
    assert!(page.has("was used with another request") && page.has("value=\"20\""), "{}", page.html);
    assert_ne!(page.field(&path, "key"), form.field(&path, "key"));
    let sent = browser.submit(&page, &path, &[("amount", "20"), ("reason", "dois"), ("step", "act")]).await;
    assert_eq!(sent.status, 303);
    assert_eq!(server.credits(&user).await["total_credits"], 30);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_suspended_and_resumed_with_reasons() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        let browser = Browser::admin(&server).await;
        let user = server.user(100).await;
        let page = address(&user);
        let done = all_the_way(&browser, &format!("{page}/suspend"), &[("reason", "investigação")]).await;
        let seen = browser.see(done.leads_to()).await;
        assert!(seen.has("Account suspended.") && seen.has("investigação"), "{}", seen.html);
        assert_eq!(server.ask(&user, "Oi").send().await.unwrap().status(), 403);
        assert!(browser.see("/admin/users").await.has(">suspended<"));
        let lift = [("source", "admin"), ("reason", "esclarecido")];
        let done = all_the_way(&browser, &format!("{page}/resume"), &lift).await;
        assert!(browser.see(done.leads_to()).await.has("Suspension lifted."));
        assert_eq!(server.ask(&user, "Oi").send().await.unwrap().status(), 200);
        let written = audit(&server).await;
        assert_eq!(
            written[..2],
            [row("account.resume", "esclarecido"), row("account.suspend", "investigação")]
        );
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_refunded_in_part_and_then_by_hand() {
    let server = Setup::sqlite().start().await;
    let browser = Browser::admin(&server).await;
    let user = server.stranger();
    let checkout = server.post("/api/billing/create-checkout-session").bearer_auth(&user.token);
    let opened: serde_json::Value =
        checkout.json(&json!({ "planId": "starter" })).send().await.unwrap().json().await.unwrap();
    let session = opened["sessionId"].as_str().unwrap();
    let pay = server.post(&format!("/sandbox/checkout/{session}/pay-by-card")).send().await.unwrap();
    assert!(pay.status().is_success() || pay.status().is_redirection(), "{pay:?}");
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while server.credits(&user).await["total_credits"] != 5000 {
        assert!(std::time::Instant::now() < patience, "the payment did not come");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let found = browser.get(&format!("/admin/search?q={session}")).await;
    let (list, id) = found.leads_to().split_once('#').unwrap();
    assert!(browser.see(list).await.has("paid"));
    let refund = format!("/admin/purchases/{id}/refund");
    let form = browser.see(&refund).await;
    for wrong in ["29,01", "x", "0", "-1"] {
        let page = browser
            .submit(&form, &refund, &[("amount", wrong), ("reason", "pedido"), ("step", "review")])
            .await;
        assert_eq!(page.status, 422, "{wrong}: {}", page.html);
        assert!(page.has(&format!("value=\"{wrong}\"")) && page.has("pedido"), "{}", page.html);
    }
    let done = all_the_way(&browser, &refund, &[("amount", "14,50"), ("reason", "pedido")]).await;
    assert!(browser.see(done.leads_to()).await.has("R$\u{a0}14.50 refunded."), "{}", done.html);
    assert_eq!(server.credits(&user).await["total_credits"], 2500);
    let done = all_the_way(&browser, &refund, &[("by_hand", "1"), ("reason", "transferência")]).await;
    let page = browser.see(done.leads_to()).await;
    assert!(page.has("R$\u{a0}14.50 refunded.") && page.has("by hand"), "{}", page.html);
    assert!(!page.has(&refund), "nothing is left to pay back");
    assert_eq!(server.credits(&user).await["total_credits"], 0);
    let reasons: Vec<String> = audit(&server).await.into_iter().map(|(_, _, reason)| reason).collect();
    assert!(
        reasons.contains(&"pedido".to_owned()) && reasons.contains(&"transferência".to_owned()),
        "{reasons:?}"
    );
    assert!(!browser.see("/admin/notices").await.has("No notices"));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_is_not_said_by_an_address() {
    let server = Setup::sqlite().start().await;
    let browser = Browser::new(&server);
    browser.set_cookie("saldo_admin", &token("boss", "admin"));
    for word in ["given.x", "<b>.1", "nonsense.1", "given"] {
        browser.set_cookie("saldo_done", word);
        assert!(!browser.see("/admin").await.has("role=\"status\""), "{word}");
    }
    server.finish().await;
}
