//! What a form of the dashboard sent.

use std::collections::HashMap;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use url::form_urlencoded;

use super::session::belongs;
use crate::http::body::read_bytes;
use crate::http::problem::{Kind, Problem};
use crate::pages::origin::own_page;

/// The longest form.
const MOST_BYTES: usize = 32 * 1024;

/// The fields of a form that one of our own pages sent, in this session. Every handler of a form takes it, so none
/// can forget to ask.
#[derive(Clone, Debug, Default)]
pub struct Posted(HashMap<String, String>);

/// What the visitor wants of a form that asks twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// To see what would happen.
    Review,
    /// To change what was entered.
    Back,
    /// That it happens.
    Act,
}

impl Posted {
    /// A field; without blanks around it.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.trim())
    }

    /// Whether a box is ticked.
    pub fn ticked(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    /// What is wanted.
    pub fn step(&self) -> Step {
        match self.get("step") {
            "act" => Step::Act,
            "back" => Step::Back,
            _ => Step::Review,
        }
    }

    /// The same with another value in a field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }
}

impl FromRequest for Posted {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let taken = web::Payload::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            own_page(&request)?;
            let payload = taken.await.map_err(|error| Problem::because(Kind::BadRequest, error))?;
            let bytes = read_bytes(payload, MOST_BYTES).await?;
            let posted = Self(form_urlencoded::parse(&bytes).into_owned().collect());
            if belongs(&request, posted.get("form")) {
                Ok(posted)
            } else {
                Err(Problem::because(Kind::Forbidden, "a form without the session's token"))
            }
        })
    }
}
