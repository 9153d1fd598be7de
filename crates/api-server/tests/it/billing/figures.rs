//! What was sold and paid back, in the admin's figures and in the audit log.

use serde_json::{Value, json};

use super::shop::{Shop, on_both_stores};
use crate::harness::{read, token};

async fn admin(shop: &Shop, path: &str) -> Value {
    let request = shop.server.get(path).bearer_auth(token("boss", "admin"));
    let (status, body) = read(request.send().await.unwrap()).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

#[tokio::test]
async fn revenue_is_what_was_paid_less_what_went_back() {
    on_both_stores(async |setup| {
        let shop = Shop::open(setup).await;
        let (user, session) = shop.customer("starter", 5000).await;
        let day = admin(&shop, "/api/admin/ai-analytics").await;
        assert_eq!((&day["revenue_brl"], &day["margin_brl"]), (&json!("29.00"), &json!("29.00")));
        assert_eq!((&day["credits_sold"], &day["credits_outstanding"]), (&json!(5000), &json!(5000)));
        let (_, events) = shop.stripe.refund(&shop.charge(&session).await, 1000).await;
        shop.deliver(&events).await;
        shop.until_available(&user, 3276).await;
        let day = admin(&shop, "/api/admin/ai-analytics").await;
        let money =
            ["revenue_brl", "paid_brl", "returned_brl"].map(|name| day[name].as_str().unwrap().to_owned());
        assert_eq!(money, ["19.00", "29.00", "10.00"]);
        let series = admin(&shop, "/api/admin/ai-analytics/series").await;
        assert_eq!(series["data"][29]["revenue_brl"], "19.00");
        let notices = admin(&shop, "/api/admin/notices").await;
        assert_eq!(notices["data"][0]["kind"], "purchase_paid");
        assert_eq!(notices["data"][0]["audience"], "user");
        let purchases = admin(&shop, &format!("/api/admin/users/{}/purchases", user.sub)).await;
        assert_eq!(purchases["data"][0]["refunded_minor"], 1000);
        let csv = shop.server.get("/api/admin/purchases.csv").bearer_auth(token("boss", "admin"));
        let csv = csv.send().await.unwrap().text().await.unwrap();
        assert!(csv.lines().nth(1).unwrap().contains(",29.00,brl,10.00,0.00,card,"), "{csv}");
        shop.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_refund_is_in_the_log_before_the_provider_is_asked_and_after() {
    on_both_stores(async |setup| {
        let shop = Shop::open(setup).await;
        let (user, _) = shop.customer("starter", 5000).await;
        let purchase = shop.admin_purchases(&user).await[0].clone();
        let asked = json!({ "amount_minor": 1000, "reason": "arrependimento" });
        let (status, body) = shop.refund(&purchase, asked).await;
        assert_eq!(status, 200, "{body}");
        let (status, body) = shop.refund(&purchase, json!({ "manual": true, "reason": "em dinheiro" })).await;
        assert_eq!(status, 200, "{body}");
        let (status, _) = shop.refund(&purchase, json!({ "reason": "de novo" })).await;
        assert_eq!(status, 409, "nothing is left");

        let log = admin(&shop, &format!("/api/admin/audit?user={}", user.sub)).await;
        let log = log["data"].as_array().unwrap();
        let seen: Vec<_> = log
            .iter()
            .map(|it| (it["action"].as_str().unwrap(), it["reason"].as_str().unwrap(), &it["after"]))
            .collect();
        assert_eq!(seen.len(), 3, "{seen:#?}");
        assert_eq!((seen[2].0, seen[2].1), ("purchase.refund", "arrependimento"));
        assert_eq!(seen[2].2, &json!({ "asked_minor": 1000 }));
        assert_eq!((seen[1].0, &seen[1].2["returned_minor"]), ("purchase.refunded", &json!(1000)));
        assert_eq!((seen[0].0, seen[0].1), ("purchase.refund", "em dinheiro"));
        assert_eq!((&seen[0].2["returned_minor"], &seen[0].2["total_credits"]), (&json!(2900), &json!(0)));
        assert_eq!(log[0]["before"]["status"], "partly_refunded");
        let target = format!("purchase:{}", purchase["id"].as_str().unwrap());
        assert!(log.iter().all(|it| it["target"] == target));
        shop.close().await;
    })
    .await;
}
