//! Events are signed by Stripe's scheme, checked here by HMAC's definition.

use adapters_sandbox::Act;
use domain::billing::offer::PayMode;
use sha2::{Digest, Sha256};

use crate::desk::{SECRET, START, bench};

/// HMAC-SHA256 as RFC 2104 defines it.
fn hmac(key: &[u8], message: &[u8]) -> String {
    let mut block = [0_u8; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(message).finalize();
    let outer = Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize();
    outer.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[test]
fn the_definition_gives_the_published_value() {
    // RFC 4231, test case 2.
    let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(hmac(b"Jefe", b"what do ya want for nothing?"), expected);
}

#[tokio::test]
async fn every_event_is_signed_over_its_raw_bytes() {
    let bench = bench();
    let session = bench.open(PayMode::Subscription).await;
    bench.clock.forward(5);
    let mut seen = 0;
    for act in [Act::PayByCard, Act::Renew, Act::RefundHalf, Act::Dispute, Act::WinDispute] {
        for event in bench.sandbox.act(&session, act).unwrap() {
            let time = START + 5;
            let mut message = format!("{time}.").into_bytes();
            message.extend_from_slice(&event.body);
            assert_eq!(event.signature, format!("t={time},v1={}", hmac(SECRET.as_bytes(), &message)));
            seen += 1;
        }
    }
    assert_eq!(seen, 15);
}
