//! `POST /api/ai-assistant` and `POST /api/ai-insights`.

use actix_web::{HttpRequest, HttpResponse, web};
use domain::ports::identity::{Caller, Scope};
use domain::services::assistant::question::{Analysis, FieldRule, Question, RawQuestion};
use domain::services::assistant::{Answer, Asking};
use serde::Serialize;
use serde_json::Value;

use crate::http::auth::Bearer;
use crate::http::body::read_json;
use crate::http::envelope::request_id;
use crate::http::fields::Fields;
use crate::http::headers::{IDEMPOTENCY_REPLAYED, X_CREDITS_CHARGED, X_CREDITS_REMAINING, idempotency_key};
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
    let question = question(&read_json(payload).await?)?;
    let assistant = app.assistant.clone();
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

fn asking(caller: &Caller, request: &HttpRequest) -> Result<Asking, Problem> {
    let (user, api_key) = (caller.user, caller.api_key);
    Ok(Asking { user, api_key, key: idempotency_key(request)?, request_id: request_id(request) })
}

fn answered(answer: &Answer, body: &impl Serialize) -> HttpResponse {
    let charged_now = if answer.replayed { 0 } else { answer.charged.get() };
    let mut response = HttpResponse::Ok();
    response.insert_header((X_CREDITS_CHARGED, charged_now));
    response.insert_header((X_CREDITS_REMAINING, answer.remaining.get()));
    if answer.replayed {
        response.insert_header((IDEMPOTENCY_REPLAYED, "true"));
    }
    response.json(body)
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
            tokens_used: answer.tokens.get(),
            credits_used: answer.charged.get(),
            credits_remaining: answer.remaining.get(),
            model: &answer.model,
            request_id: &answer.request_id,
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
            credits_used: answer.charged.get(),
            tokens_used: answer.tokens.get(),
            credits_remaining: answer.remaining.get(),
            model: &answer.model,
            request_id: &answer.request_id,
        }
    }
}

/// The figures that `systemData` knows; other keys are kept and passed as data.
const SYSTEM_FIGURES: [&str; 5] =
    ["totalIncome", "totalExpense", "balance", "pendingTransactions", "accountsCount"];

fn question(body: &Value) -> Result<Question, Problem> {
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
    if fields.flag("stream") == Some(true) {
        fields.fault("stream", FieldRule::Unsupported);
    }
    let system_data = body.get("systemData").filter(|data| !data.is_null()).map(Value::to_string);
    let parsed = Question::parse(RawQuestion { message, system_data, history, model });
    fields.also(parsed)
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
