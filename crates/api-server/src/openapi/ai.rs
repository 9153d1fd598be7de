//! Questions and insights.

use serde_json::{Value, json};

use super::Group;
use super::components::Components;
use super::operation::Operation;
use crate::http::problems::ProblemBody;
use crate::routes::assistant::stream::{Delta, Done};
use crate::routes::assistant::{AssistantBody, InsightsBody, InsightsWish, QuestionWish};

const STREAM: &str = "event: delta\ndata: {\"text\":\"Comece pelas maiores despesas.\"}\n\n\
event: done\ndata: {\"type\":\"text\",\"tokensUsed\":258,\"creditsUsed\":10,\"creditsRemaining\":4990,\
\"model\":\"gpt-4o-mini\",\"requestId\":\"01a204cd-47c1-7263-98cd-3fd04eae7df3\"}\n\n";

/// `POST /api/ai-assistant`.
pub fn ask(operation: Operation) -> Operation {
    operation
        .named(Group::Ai, "askAssistant", "Ask the assistant")
        .about(
            "Holds credits, asks the model, charges what the answer took. At least 10 credits are needed. With `stream: true` the \
             answer comes as events: `delta`, then `done` (the answer without `response`) or `error`; a comment after ten quiet seconds. \
             What goes wrong before the first piece is an ordinary error.",
        )
        .takes::<QuestionWish>(vec![
            ("question", json!({ "message": "Como posso economizar este mês?" })),
            (
                "conversation",
                json!({
                    "message": "E se eu cancelar a academia?",
                    "systemData": { "totalIncome": 5200, "totalExpense": 4100.5, "balance": 1099.5, "accountsCount": 2 },
                    "conversationHistory": [
                        { "role": "user", "content": "Quanto gastei com lazer?" },
                        { "role": "assistant", "content": "R$ 430,00 neste mês." },
                    ],
                    "model": "gpt-4o-mini",
                }),
            ),
            ("stream", json!({ "message": "Resuma o meu mês.", "stream": true })),
        ])
        .answers::<AssistantBody<'static>>(
            200,
            "The answer.",
            json!({
                "response": "Sugiro começar pelas maiores despesas do mês.",
                "type": "suggestion",
                "tokensUsed": 258,
                "creditsUsed": 10,
                "creditsRemaining": 4990,
                "model": "gpt-4o-mini",
                "requestId": "01a204cd-47c1-7263-98cd-3fd04eae7df3",
            }),
        )
        .or_events(events, STREAM)
        .refuses("/conversationHistory", "so long that the model has no room to answer")
        .refuses("/message", "more at once than the account's tokens per minute")
        .spends()
}

/// One event of a streamed answer.
fn events(components: &mut Components) -> Value {
    let event = |name: &str, data: Value| {
        let data = json!({ "type": "string", "contentMediaType": "application/json", "contentSchema": data });
        json!({
            "type": "object",
            "required": ["event", "data"],
            "properties": { "event": { "const": name }, "data": data },
        })
    };
    let charged = json!({
        "type": "object",
        "required": ["credits_charged"],
        "properties": { "credits_charged": { "type": "integer", "minimum": 0 } },
    });
    let error = json!({ "allOf": [components.schema::<ProblemBody>(false), charged] });
    let delta = components.schema::<Delta<'static>>(true);
    let done = components.schema::<Done<'static>>(true);
    json!({ "anyOf": [event("delta", delta), event("done", done), event("error", error)] })
}

/// `POST /api/ai-insights`.
pub fn insights(operation: Operation) -> Operation {
    operation
        .named(Group::Ai, "getInsights", "Get insights on figures")
        .about("Charged like a question; at least 50 credits unless the catalogue says otherwise.")
        .takes::<InsightsWish>(vec![(
            "month",
            json!({
                "analysis": {
                    "totalIncome": 5200,
                    "totalExpense": 4100.5,
                    "balance": 1099.5,
                    "topExpenses": [{ "description": "Aluguel", "amount": 1800 }],
                    "topIncomes": [{ "description": "Salário", "amount": 5200 }],
                    "monthlyTrend": [{ "month": "2026-10", "income": 5200, "expense": 4380 }],
                },
            }),
        )])
        .answers::<InsightsBody<'static>>(
            200,
            "The insights.",
            json!({
                "insights": "O aluguel leva 35% da renda.",
                "creditsUsed": 50,
                "tokensUsed": 412,
                "creditsRemaining": 4940,
                "model": "gpt-4o-mini",
                "requestId": "01a204cd-47c1-7263-98cd-3fd04eae7df3",
            }),
        )
        .spends()
}
