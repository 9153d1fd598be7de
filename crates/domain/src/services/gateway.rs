//! The gateway: a client's own requests in OpenAI's wire format, held for, passed on, measured and settled.

pub mod passed;
