//! Words that stand for something, from the lists of the domain.

use std::borrow::Cow;

use domain::billing::notice;
use domain::billing::offer;
use domain::billing::purchase;
use domain::language;
use domain::ledger::{journal, usage};
use domain::money;
use domain::ports::{identity, language_model};
use domain::services::api_keys::wish;
use domain::services::assistant;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::calendar;

/// A schema of its own for each set of words. The types have no values: fields name them in `value_type`.
macro_rules! words {
    ($($(#[doc = $about:literal])+ $name:ident: $words:expr;)+) => {$(
        $(#[doc = $about])+
        pub enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let words: Vec<&'static str> = Vec::from($words);
                let about = concat!($($about),+).trim();
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some(about))
                    .enum_values(Some(words))
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )+};
}

words! {
    /// What an answer does: recommend, analyse, or neither.
    AnswerKind: assistant::AnswerKind::ALL.map(assistant::AnswerKind::as_str);
    /// Why credits moved.
    EntryKind: journal::EntryKind::ALL.map(journal::EntryKind::as_str);
    /// What kind of AI request.
    RequestKind: usage::RequestKind::ALL.map(usage::RequestKind::as_str);
    /// How an AI request ended.
    Outcome: usage::Outcome::ALL.map(usage::Outcome::as_str);
    /// What a notice is about.
    NoticeKind: notice::NoticeKind::ALL.map(notice::NoticeKind::as_str);
    /// What letters speak.
    Language: language::Language::ALL.map(language::Language::tag);
    /// Who is told.
    Audience: [notice::Audience::User, notice::Audience::Admin].map(notice::Audience::as_str);
    /// What a purchase is for.
    PurchaseKind: purchase::PurchaseKind::ALL.map(purchase::PurchaseKind::as_str);
    /// Once, or every month.
    PayMode: offer::PayMode::ALL.map(offer::PayMode::as_str);
    /// Where a purchase stands.
    PurchaseStatus: purchase::Standing::ALL.map(purchase::Standing::as_str);
    /// Why money went back, but for refunds by the provider.
    ReturnKind: purchase::ReturnKind::ALL.map(purchase::ReturnKind::as_str);
    /// Where a return stands.
    ReturnState: purchase::ReturnState::ALL.map(purchase::ReturnState::as_str);
    /// Whether requests go to a provider.
    UpstreamState: language_model::UpstreamState::ALL.map(language_model::UpstreamState::as_str);
    /// How long a bucket of a series is.
    Bucket: calendar::Step::WORDS;
    /// What money is counted in.
    Currency: money::Currency::ALL.map(money::Currency::as_str);
    /// What a token or an API key may do.
    Scope: identity::Scope::ALL.map(identity::Scope::as_str);
    /// What an API key may be given.
    GivableScope: wish::GIVABLE.map(identity::Scope::as_str);
}
