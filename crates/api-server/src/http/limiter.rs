//! A cheap guard in front of authentication: requests per minute and address, in this process only. The
//! limits of accounts are decided with the hold, exactly, by the ledger.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use domain::clock::Span;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};

use super::origin;
use super::problem::Kind;
use super::problem::Problem;

/// Requests per minute and address; a full minute's worth may come at once.
pub struct IpLimiter {
    limiter: Option<DefaultKeyedRateLimiter<IpAddr>>,
    clock: DefaultClock,
}

impl IpLimiter {
    /// A limiter; 0 is unlimited.
    pub fn new(per_minute: u32) -> Self {
        let limiter =
            NonZeroU32::new(per_minute).map(|rate| DefaultKeyedRateLimiter::keyed(Quota::per_minute(rate)));
        Self { limiter, clock: DefaultClock::default() }
    }

    /// Forgets addresses that have their full allowance again.
    pub fn forget_idle(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }

    fn check(&self, address: IpAddr) -> Result<(), Problem> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        limiter.check_key(&network(address)).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            let retry_after = Span::from_micros(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX));
            Kind::RateLimited { limit: None, retry_after }.into()
        })
    }
}

/// Who owns an IPv6 address owns its whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The layer. Health checks are never limited, and neither are webhooks: they come in bursts from a few
/// addresses, and a signature is checked faster than it is made.
pub async fn limit_addresses(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    let free = matches!(request.path(), "/livez" | "/readyz" | "/api/billing/webhook");
    if !free
        && let (Some(limiter), Some(address)) =
            (request.app_data::<web::Data<IpLimiter>>(), origin::of(&request).address)
        && let Err(problem) = limiter.check(address)
    {
        return Ok(request.error_response(problem).map_into_right_body());
    }
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}
