//! `POST /api/ai-assistant` and `POST /api/ai-insights`.

mod stream;

use actix_web::{HttpRequest, HttpResponse, web};
use domain::ports::identity::{Caller, Scope};
use domain::services::assistant::question::{Analysis, Question, RawQuestion};
use domain::services::assistant::{Answer, Asking};
use serde::Serialize;
use serde_json::Value;

use super::streams;
use crate::http::auth::Bearer;
use crate::http::billing_headers;
use crate::http::body::read_json;
use crate::http::envelope::request_id;
use crate::http::fields::Fields;
use crate::http::headers::idempotency_key;
use crate::http::problem::Problem;
use crate::wiring::App;

/// Asks the assistant.
pub async fn ask(
    bearer: Bearer,
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let asking = asking(&bearer.with(Scope::AiUse)?, &request)?;
    let (question, streamed) = question(&read_json(payload).await?)?;
    let assistant = app.assistant.clone();
    if streamed {
        let dialect = stream::Dialect::new(&request);
        return streams::respond(&app, async move { assistant.open(asking, question).await }, dialect).await;
    }
    let answer = app.run(async move { assistant.ask(asking, question).await }).await??;
    Ok(answered(&answer, &AssistantBody::from(&answer)))
}

/// Gives insights on figures.
pub async fn insights(
    bearer: Bearer,
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let asking = asking(&bearer.with(Scope::AiUse)?, &request)?;
    let analysis = analysis(&read_json(payload).await?)?;
    let assistant = app.assistant.clone();
    let answer = app.run(async move { assistant.insights(asking, analysis).await }).await??;
    Ok(answered(&answer, &InsightsBody::from(&answer)))
}

/// Who asks, and under which names.
pub(super) fn asking(caller: &Caller, request: &HttpRequest) -> Result<Asking, Problem> {
    let (user, api_key) = (caller.user, caller.api_key);
    Ok(Asking { user, api_key, key: idempotency_key(request)?, request_id: request_id(request) })
}

fn answered(answer: &Answer, body: &impl Serialize) -> HttpResponse {
    billing_headers::of_answer(&answer.bill, answer.terms.as_ref()).json(body)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AssistantBody<'a> {
    response: &'a str,
    r#type: &'static str,
    tokens_used: u64,
    credits_used: i64,
    credits_remaining: i64,
    model: &'a str,
    request_id: &'a str,
}

impl<'a> From<&'a Answer> for AssistantBody<'a> {
    fn from(answer: &'a Answer) -> Self {
        Self {
            response: &answer.text,
            r#type: answer.kind.as_str(),
            tokens_used: answer.bill.tokens.get(),
            credits_used: answer.bill.charged.get(),
            credits_remaining: answer.bill.remaining.get(),
            model: &answer.bill.model,
            request_id: &answer.bill.request_id,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InsightsBody<'a> {
    insights: &'a str,
    credits_used: i64,
    tokens_used: u64,
    credits_remaining: i64,
    model: &'a str,
    request_id: &'a str,
}

impl<'a> From<&'a Answer> for InsightsBody<'a> {
    fn from(answer: &'a Answer) -> Self {
        Self {
            insights: &answer.text,
            credits_used: answer.bill.charged.get(),
            tokens_used: answer.bill.tokens.get(),
            credits_remaining: answer.bill.remaining.get(),
            model: &answer.bill.model,
            request_id: &answer.bill.request_id,
        }
    }
}

/// The figures that `systemData` knows; other keys are kept and passed as data.
const SYSTEM_FIGURES: [&str; 5] =
    ["totalIncome", "totalExpense", "balance", "pendingTransactions", "accountsCount"];

/// The question, and whether its answer is wanted piece by piece.
fn question(body: &Value) -> Result<(Question, bool), Problem> {
    let mut fields = Fields::of_body(body)?;
    let message = fields.text("message").map(str::to_owned);
    fields.inside("systemData", |data| {
        for figure in SYSTEM_FIGURES {
            data.number(figure);
        }
    });
    let history = fields.each("conversationHistory", |turn| {
        (turn.text("role").map(str::to_owned), turn.text("content").map(str::to_owned))
    });
    let model = fields.text("model").map(str::to_owned);
    let streamed = fields.flag("stream") == Some(true);
    let system_data = body.get("systemData").filter(|data| !data.is_null()).map(Value::to_string);
    let parsed = Question::parse(RawQuestion { message, system_data, history, model });
    Ok((fields.also(parsed)?, streamed))
}

fn analysis(body: &Value) -> Result<Analysis, Problem> {
    let mut fields = Fields::of_body(body)?;
    fields.require("analysis");
    fields.inside("analysis", |analysis| {
        for figure in ["totalIncome", "totalExpense", "balance"] {
            analysis.require(figure);
            analysis.number(figure);
        }
        for list in ["topExpenses", "topIncomes"] {
            analysis.each(list, |line| {
                line.text("description");
                line.number("amount");
            });
        }
        analysis.each("monthlyTrend", |line| {
            line.text("month");
            line.number("income");
            line.number("expense");
        });
    });
    let figures = body.get("analysis").map(Value::to_string).unwrap_or_default();
    fields.finish(Analysis::new(figures))
}
