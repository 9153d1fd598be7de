//! Stripe's list of events, which holds those of the last 30 days.

use domain::clock::Timestamp;
use domain::ports::payments::{EventPage, PaymentError};
use serde::Deserialize;
use serde_json::value::RawValue;
use stripe_client_core::StripeRequest;
use stripe_core::event::ListEvent;
use stripe_types::RangeQueryTs;

use crate::error::unavailable;
use crate::look_up::is_name;
use crate::transport::Transport;

/// How many events a page has; Stripe's maximum.
const PAGE_EVENTS: i64 = 100;

/// A page as it is sent. The events are not looked into.
#[derive(Deserialize)]
struct Page {
    data: Vec<Box<RawValue>>,
    #[serde(default)]
    has_more: bool,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

/// A page of the events since `since`, newest first, which begins behind the event `from`.
pub(crate) async fn page(
    transport: &Transport,
    since: Timestamp,
    from: Option<String>,
) -> Result<EventPage, PaymentError> {
    let since = since.as_micros().div_euclid(1_000_000);
    let mut request = ListEvent::new().created(RangeQueryTs::gte(since)).limit(PAGE_EVENTS);
    if let Some(from) = from {
        request = request.starting_after(from);
    }
    let answer = transport.send(request.build(), None).await?;
    // serde's message may quote the answer, so only the kind of mistake is told.
    let page: Page = serde_json::from_slice(&answer.body)
        .map_err(|error| unavailable(format!("Stripe: {:?} error in a page of events", error.classify())))?;
    let next = match page.data.last() {
        Some(last) if page.has_more => {
            let last: Option<Named> = serde_json::from_str(last.get()).ok();
            let id = last.map(|last| last.id).filter(|id| is_name(id));
            // To end here would be to lose what follows.
            Some(id.ok_or_else(|| unavailable("Stripe: a page of events whose last has no id"))?)
        }
        _ => None,
    };
    Ok(EventPage { events: page.data.iter().map(|event| event.get().as_bytes().to_vec()).collect(), next })
}
