//! Hundreds at once on small balances: never a credit too many.

use futures_util::StreamExt;
use futures_util::stream;
use serde_json::json;

use crate::harness::{Setup, read};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_hundred_at_once_on_funds_for_twenty_get_exactly_twenty_answers() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        // Room for the ceiling of the last request too: an answer is never refused while it can be paid.
        let user = server.user(200).await;
        let asked = stream::iter(0..300).map(|_| server.ask(&user, "Oi").send()).buffer_unordered(64);
        let statuses: Vec<u16> = asked.map(|answer| answer.unwrap().status().as_u16()).collect().await;
        let served = statuses.iter().filter(|status| **status == 200).count();
        assert!(statuses.iter().all(|status| [200, 402].contains(status)), "{statuses:?}");
        let credits = server.credits(&user).await;
        let used = credits["used_credits"].as_i64().unwrap();
        assert_eq!(used, 10 * i64::try_from(served).unwrap());
        assert!(used <= 200);
        // What held requests blocked for a moment is free again: the rest can be spent one by one.
        let mut served = served;
        while server.ask(&user, "Oi").send().await.unwrap().status() == 200 {
            served += 1;
        }
        assert_eq!(served, 20);
        let credits = server.credits(&user).await;
        assert_eq!((&credits["available_credits"], &credits["held_credits"]), (&json!(0), &json!(0)));
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_on_one_postgres_never_overspend_together() {
    let one = Setup::postgres().await;
    let url = one.variables["DATABASE_URL"].clone();
    let one = one.start().await;
    let two = Setup::sqlite().with("DATABASE_URL", &url).start().await;
    let user = one.user(100).await;
    let servers = [&one, &two];
    let asked = stream::iter(0..100).map(|n| servers[n % 2].ask(&user, "Oi").send()).buffer_unordered(32);
    let statuses: Vec<u16> = asked.map(|answer| answer.unwrap().status().as_u16()).collect().await;
    let served = statuses.iter().filter(|status| **status == 200).count();
    let (_, credits) =
        read(two.get("/api/user/ai-credits").bearer_auth(&user.token).send().await.unwrap()).await;
    assert_eq!(credits["used_credits"], 10 * served);
    assert!(served <= 10);
    two.finish().await;
    one.finish().await;
}
