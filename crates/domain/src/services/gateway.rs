//! The gateway: a client's own requests in OpenAI's wire format, held for, passed on, measured and settled.

pub mod passed;

use super::metering::{AskError, Asking, Meter, Metered, Opened, Subject};
use passed::PassedRequest;

/// Passes clients' requests on and charges exactly what they took.
#[derive(Clone)]
pub struct Gateway {
    /// What every request goes through.
    pub meter: Meter,
}

impl Gateway {
    /// A whole answer.
    pub async fn complete(&self, asking: Asking, request: PassedRequest) -> Result<Metered, AskError> {
        self.meter.whole(asking, Subject::Passed(request)).await
    }

    /// The beginning of a streamed answer.
    pub async fn open(&self, asking: Asking, request: PassedRequest) -> Result<Opened, AskError> {
        self.meter.open(asking, Subject::Passed(request)).await
    }
}
