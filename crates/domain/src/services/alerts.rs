//! Notices go out: by e-mail to the user or the admin, and to the operator's program.
//!
//! A notice is written with one delivery for each channel, in the commit that caused it. Any server claims what is
//! due, so each delivery is one's at a time; what a dead server had in hand is due again soon. So a message goes out
//! at least once, and a channel that fails neither holds back the other nor has it send again.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::billing::notice::{Audience, NOBODY, Notice, NoticeDetails, NoticeKind};
use crate::clock::{Clock, Span, Timestamp};
use crate::contact::EmailAddress;
use crate::language::Language;
use crate::ports::Unavailable;
use crate::ports::notices::{
    Channel, Courier, CourierError, Delivery, DeliveryName, DeliveryState, Message, Outbox, Recipient,
};
use crate::ports::personal::PersonalData;
use crate::services::hexadecimal;

/// How long to wait after the first failed try, the second, and so on, as Standard Webhooks recommends; after more
/// than these, the last again and again.
const WAITS_SECS: [u32; 9] = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// Tries of one message, in more than six days: then it is given up.
const MOST_TRIES: u32 = 12;
/// The longest that a receiver may ask to be left alone.
const LONGEST_WAIT: Span = Span::from_secs(86_400);
/// How long one worker has for the messages it took before another may take them: each may take half a minute.
const CLAIM: Span = Span::from_secs(150);
/// How many messages a worker takes at once: few, because a slow receiver holds up the rest.
const AT_ONCE: u32 = 4;
/// An endpoint that only failed for so long is given up.
const PATIENCE: Span = Span::from_secs(5 * 86_400);

/// Sends notices out.
#[derive(Clone)]
pub struct Alerts {
    /// What is to go out.
    pub outbox: Arc<dyn Outbox>,
    /// Where users want to be told.
    pub personal: Arc<dyn PersonalData>,
    /// Carries letters; `None` where no letters are sent.
    pub mail: Option<Arc<dyn Courier>>,
    /// Carries events to the operator's program; `None` where there is none.
    pub webhook: Option<Arc<dyn Courier>>,
    /// Where letters to the admins go.
    pub admin: Option<EmailAddress>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// What became of a delivery; for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The message's id.
    pub id: String,
    /// What was told.
    pub kind: NoticeKind,
    /// Which way it went.
    pub channel: Channel,
    /// Where the delivery stands: waiting means that it will be tried again.
    pub state: DeliveryState,
    /// Why.
    pub note: Option<String>,
    /// Whether the webhook's endpoint was given up over it.
    pub endpoint_disabled: bool,
}

/// What is to be done with a delivery.
enum Verdict {
    Close(DeliveryState, Option<String>),
    Again(String, Option<Span>),
    /// The receiver wants no more.
    Stop(String),
}

impl Alerts {
    /// Sends what is due on a channel, some at a time; answers what became of it. Nothing due: an empty list.
    pub async fn deliver(&self, channel: Channel) -> Result<Vec<Delivered>, Unavailable> {
        let now = self.clock.now().at;
        let mut done = Vec::new();
        for delivery in self.outbox.claim(channel, now, now.after(CLAIM), AT_ONCE).await? {
            done.push(self.deliver_one(&delivery).await?);
        }
        Ok(done)
    }

    async fn deliver_one(&self, delivery: &Delivery) -> Result<Delivered, Unavailable> {
        let id = message_id(&delivery.notice);
        let verdict = match delivery.channel {
            Channel::Email => self.mail(&id, delivery).await?,
            Channel::Webhook => self.call(&id, delivery).await?,
        };
        let name = DeliveryName::of(&delivery.notice, delivery.channel);
        let now = self.clock.now().at;
        let mut endpoint_disabled = false;
        let (state, note) = match verdict {
            Verdict::Close(state, note) => (state, note),
            Verdict::Again(reason, retry_after) => match again(now, delivery.tries, retry_after) {
                Some(at) => {
                    self.outbox.put_off(name.clone(), at, reason.clone()).await?;
                    (DeliveryState::Waiting, Some(reason))
                }
                None => (DeliveryState::Failed, Some(reason)),
            },
            Verdict::Stop(reason) => {
                endpoint_disabled = self.outbox.disable_endpoint(disabled(&reason, now)).await?;
                (DeliveryState::Failed, Some(reason))
            }
        };
        if state != DeliveryState::Waiting {
            self.outbox.close(name, state, now, note.clone()).await?;
        }
        let (kind, channel) = (delivery.notice.kind, delivery.channel);
        Ok(Delivered { id, kind, channel, state, note, endpoint_disabled })
    }

    async fn mail(&self, id: &str, delivery: &Delivery) -> Result<Verdict, Unavailable> {
        let Some(mail) = &self.mail else { return Ok(skipped("no e-mail is sent here")) };
        let notice = &delivery.notice;
        let to = match notice.kind.audience() {
            Audience::Admin => match &self.admin {
                Some(address) => (address.clone(), Language::default()),
                None => return Ok(skipped("no address of an admin")),
            },
            Audience::User => {
                let contact = self.personal.contact(notice.user).await?;
                match contact.email {
                    Some(address) => (address, contact.language),
                    None => return Ok(skipped("the user set no address")),
                }
            }
        };
        let (address, language) = to;
        let to = Recipient::Mailbox { address, language };
        Ok(match self.send(mail, id, notice, to).await {
            Ok(()) => Verdict::Close(DeliveryState::Sent, None),
            Err(error) => judged(error),
        })
    }

    async fn call(&self, id: &str, delivery: &Delivery) -> Result<Verdict, Unavailable> {
        let Some(webhook) = &self.webhook else { return Ok(skipped("no webhook is configured")) };
        if self.outbox.endpoint().await?.is_some_and(|endpoint| endpoint.disabled_at.is_some()) {
            return Ok(skipped("the endpoint is disabled"));
        }
        match self.send(webhook, id, &delivery.notice, Recipient::Endpoint).await {
            Ok(()) => {
                self.outbox.endpoint_worked().await?;
                Ok(Verdict::Close(DeliveryState::Sent, None))
            }
            Err(CourierError::Gone(reason)) => Ok(Verdict::Stop(reason)),
            Err(error) => {
                let now = self.clock.now().at;
                let since = self.outbox.endpoint_failed(now).await?;
                // This one, too, has been tried for so long: where nothing was sent for days, one failure proves nothing.
                if now.since(since) >= PATIENCE && now.since(delivery.notice.at) >= PATIENCE {
                    return Ok(Verdict::Stop(format!("nothing but failures for 5 days; {error}")));
                }
                Ok(judged(error))
            }
        }
    }

    async fn send(
        &self,
        courier: &Arc<dyn Courier>,
        id: &str,
        notice: &Notice,
        to: Recipient,
    ) -> Result<(), CourierError> {
        let (id, notice, at) = (id.to_owned(), notice.clone(), self.clock.now().at);
        courier.send(&Message { id, notice, to, at }).await
    }
}

fn judged(error: CourierError) -> Verdict {
    match error {
        CourierError::Simulated(reason) => Verdict::Close(DeliveryState::Skipped, Some(reason)),
        CourierError::Refused(reason) | CourierError::Gone(reason) => {
            Verdict::Close(DeliveryState::Failed, Some(reason))
        }
        CourierError::Failed { reason, retry_after } => Verdict::Again(reason, retry_after),
    }
}

fn skipped(why: &str) -> Verdict {
    Verdict::Close(DeliveryState::Skipped, Some(why.to_owned()))
}

/// When a message that failed for the `tries`th time is sent again; `None` when it is given up.
fn again(now: Timestamp, tries: u32, retry_after: Option<Span>) -> Option<Timestamp> {
    if tries >= MOST_TRIES {
        return None;
    }
    let failed_before = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
    let secs = WAITS_SECS.get(failed_before).or(WAITS_SECS.last()).copied().unwrap_or_default();
    let asked = retry_after.unwrap_or_default().min(LONGEST_WAIT);
    Some(now.after(Span::from_secs(secs).max(asked)))
}

/// What a notice is called outside: the same each time, and nothing that tells whose it is.
pub fn message_id(notice: &Notice) -> String {
    let name = format!("{}\n{}\n{}", notice.user, notice.kind.as_str(), notice.subject);
    let digest = hexadecimal(&Sha256::digest(name.as_bytes()));
    format!("msg_{}", digest.get(..32).unwrap_or(&digest))
}

/// The notice that the endpoint was given up.
fn disabled(reason: &str, at: Timestamp) -> Notice {
    let details = NoticeDetails { text: Some(reason.to_owned()), ..NoticeDetails::default() };
    let subject = format!("at:{}", at.as_micros());
    Notice { user: NOBODY, kind: NoticeKind::WebhookDisabled, subject, at, details }
}
