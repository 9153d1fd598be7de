//! `POST /api/ai-assistant` and `POST /api/ai-insights`.

pub mod stream;

use actix_web::{HttpRequest, HttpResponse, web};
use domain::ports::identity::{Caller, Scope};
use domain::services::assistant::question::{Analysis, Question, RawQuestion};
use domain::services::assistant::{Answer, Asking};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::streams;
use crate::http::auth::Bearer;
use crate::http::billing_headers;
use crate::http::body::read_json;
use crate::http::envelope::request_id;
use crate::http::fields::Fields;
use crate::http::headers::idempotency_key;
use crate::http::problem::Problem;
use crate::openapi::words;
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

/// The assistant's answer.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Answer)]
pub struct AssistantBody<'a> {
    /// The text.
    response: &'a str,
    #[schema(value_type = words::AnswerKind)]
    r#type: &'static str,
    /// Tokens of prompt and answer together.
    tokens_used: u64,
    /// What the request was charged.
    credits_used: i64,
    /// What is available after it.
    credits_remaining: i64,
    /// What answered.
    model: &'a str,
    /// The request's id.
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

/// Insights on figures.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Insights)]
pub struct InsightsBody<'a> {
    /// The text.
    insights: &'a str,
    /// What the request was charged.
    credits_used: i64,
    /// Tokens of prompt and answer together.
    tokens_used: u64,
    /// What is available after it.
    credits_remaining: i64,
    /// What answered.
    model: &'a str,
    /// The request's id.
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

/// A question.
#[derive(ToSchema)]
#[schema(as = Question, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `question` reads")]
pub struct QuestionWish {
    /// What is asked.
    #[schema(min_length = 1, max_length = 8000, pattern = r"\S")]
    message: String,
    /// Figures to go with it.
    system_data: Option<FiguresWish>,
    /// The turns before; the last 50 are used.
    conversation_history: Option<Vec<TurnWish>>,
    /// The model, by its name in the catalogue; without it, the usual one.
    model: Option<String>,
    /// Whether the answer is wanted piece by piece, as events.
    stream: Option<bool>,
}

/// Figures; other keys are passed on as data, too.
#[derive(ToSchema)]
#[schema(as = Figures, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `question` reads")]
pub struct FiguresWish {
    total_income: Option<f64>,
    total_expense: Option<f64>,
    balance: Option<f64>,
    pending_transactions: Option<f64>,
    accounts_count: Option<f64>,
}

/// A turn of a conversation.
#[derive(ToSchema)]
#[schema(as = Turn)]
#[expect(dead_code, reason = "describes what `question` reads")]
pub struct TurnWish {
    role: TurnRole,
    content: String,
}

/// Who said it.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum TurnRole {
    User,
    Assistant,
}

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

/// Figures to give insights on.
#[derive(ToSchema)]
#[schema(as = AnalysisRequest)]
#[expect(dead_code, reason = "describes what `analysis` reads")]
pub struct InsightsWish {
    analysis: AnalysisWish,
}

/// Figures; other keys are passed on as data, too.
#[derive(ToSchema)]
#[schema(as = Analysis, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `analysis` reads")]
pub struct AnalysisWish {
    total_income: f64,
    total_expense: f64,
    balance: f64,
    top_expenses: Option<Vec<AmountWish>>,
    top_incomes: Option<Vec<AmountWish>>,
    monthly_trend: Option<Vec<MonthWish>>,
}

/// An expense or an income.
#[derive(ToSchema)]
#[schema(as = AnalysisAmount)]
#[expect(dead_code, reason = "describes what `analysis` reads")]
pub struct AmountWish {
    description: Option<String>,
    amount: Option<f64>,
}

/// A month's figures.
#[derive(ToSchema)]
#[schema(as = AnalysisMonth)]
#[expect(dead_code, reason = "describes what `analysis` reads")]
pub struct MonthWish {
    month: Option<String>,
    income: Option<f64>,
    expense: Option<f64>,
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
