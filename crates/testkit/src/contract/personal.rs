//! What is personal: shown page by page, and erased to the end.

use domain::ledger::account::SuspensionSource;

use crate::Fixture;
use crate::acts::must;
use crate::requests::{
    AlertsExt, At, CloseExt, GrantExt, HoldExt, SettleExt, alerts, close, grant, hold, settle, suspend, user,
};

pub async fn suspensions_are_read_by_source(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    for source in [SuspensionSource::dispute("dp_1"), SuspensionSource::admin()] {
        must(f.ledger.suspend(suspend(user(1), source)).await);
    }
    let found = f.personal.suspensions(user(1)).await.expect("the store answers");
    let named: Vec<_> = found.iter().map(|it| (it.source.as_str(), it.reason.as_str())).collect();
    assert_eq!(named, [("admin", "a reason"), ("dispute:dp_1", "a reason")]);
    assert_eq!(f.personal.suspensions(user(2)).await, Ok(Vec::new()));
}

pub async fn lots_are_read_page_by_page(f: &Fixture) {
    for number in 0..5 {
        f.granted(grant(user(1), &format!("p{number}"))).await;
        f.granted(grant(user(2), &format!("p{number}"))).await;
    }
    let mut all = f.books_of(user(1)).await.lots;
    all.sort_by_key(|lot| lot.id);
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = f.personal.lots(user(1), after, 2).await.expect("the store answers");
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 2);
        after = Some(last.id);
        seen.extend(page);
    }
    assert_eq!(seen, all);
}

pub async fn texts_are_read_page_by_page(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    f.granted(grant(user(2), "p")).await;
    let mut expected = Vec::new();
    for number in 0..5 {
        let held = f.held(hold(user(1)).at(number)).await;
        let texts = (format!("question {number}"), format!("answer {number}"));
        f.settled(settle(user(1), held.hold).keeping(&texts.0, &texts.1).at(number)).await;
        expected.push((held.hold, texts.0, texts.1));
    }
    let other = f.held(hold(user(2))).await;
    f.settled(settle(user(2), other.hold).keeping("another's", "another's")).await;
    expected.sort();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = f.personal.texts(user(1), after, 2).await.expect("the store answers");
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 2);
        after = Some(last.hold);
        seen.extend(page.into_iter().map(|text| (text.hold, text.request, text.response)));
    }
    assert_eq!(seen, expected);
}

pub async fn keys_are_read_page_by_page_with_their_answers(f: &Fixture) {
    f.granted(grant(user(1), "p").of(1000)).await;
    // In the order of their bytes, whatever the language of the database.
    let names = ["A", "B", "a", "b-1", "b_1"];
    for name in names {
        let held = f.held(hold(user(1)).keyed(name)).await;
        f.settled(settle(user(1), held.hold).answered(name, name)).await;
    }
    f.held(hold(user(1)).keyed("c")).await;
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = f.personal.keys(user(1), after, 2).await.expect("the store answers");
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 2);
        after = Some(last.key.clone());
        seen.extend(page.into_iter().map(|record| {
            let body = record.answer.map(|kept| String::from_utf8(kept.answer.body).expect("text"));
            (record.key.as_str().to_owned(), body)
        }));
    }
    let mut expected: Vec<_> = names.map(|name| (name.to_owned(), Some(name.to_owned()))).to_vec();
    expected.push(("c".to_owned(), None));
    assert_eq!(seen, expected);
}

pub async fn reading_what_is_personal_makes_no_account(f: &Fixture) {
    assert_eq!(f.personal.is_closed(user(1)).await, Ok(false));
    f.personal.contact(user(1)).await.expect("the store answers");
    assert_eq!(f.personal.lots(user(1), None, 10).await, Ok(Vec::new()));
    assert_eq!(f.personal.texts(user(1), None, 10).await, Ok(Vec::new()));
    assert_eq!(f.personal.keys(user(1), None, 10).await, Ok(Vec::new()));
    f.personal.erase_rest(user(1)).await.expect("the store answers");
    assert_eq!(f.statements.account(user(1), crate::time::time(0)).await, Ok(None));
}

pub async fn a_closed_account_is_on_the_list_until_all_is_erased(f: &Fixture) {
    for number in 1..=3 {
        f.granted(grant(user(number), "p")).await;
        if number < 3 {
            must(f.ledger.close_account(close(user(number)).forfeiting()).await);
        }
    }
    let mut listed = f.personal.to_erase(10).await.expect("the store answers");
    listed.sort();
    assert_eq!(listed, [user(1), user(2)]);
    assert_eq!(f.personal.to_erase(1).await.map(|some| some.len()), Ok(1));
    for _ in 0..2 {
        f.personal.erase_rest(user(1)).await.expect("the store answers");
        assert_eq!(f.personal.to_erase(10).await, Ok(vec![user(2)]));
    }
}

pub async fn an_account_that_is_not_closed_is_not_erased(f: &Fixture) {
    f.granted(grant(user(1), "p").because("why")).await;
    let held = f.held(hold(user(1)).keyed("k")).await;
    f.settled(settle(user(1), held.hold).answered("k", "a").keeping("q", "a")).await;
    must(f.ledger.set_alerts(alerts(user(1)).to("a@example.com")).await);
    f.personal.erase_rest(user(1)).await.expect("the store answers");
    assert_eq!(f.personal.texts(user(1), None, 10).await.map(|texts| texts.len()), Ok(1));
    assert_eq!(f.personal.keys(user(1), None, 10).await.map(|keys| keys.len()), Ok(1));
    assert!(f.personal.contact(user(1)).await.expect("the store answers").email.is_some());
    let lines = f.statements.journal(user(1), None, 10).await.expect("the store answers");
    assert_eq!(lines.last().and_then(|line| line.note.as_deref()), Some("why"));
}
