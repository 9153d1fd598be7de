//! Figures that stand alone.

use domain::reports::period::Report;
use domain::reports::reais::NanoBrl;

use crate::pages::figures::{self, change_e4, dollars, exact_reais, milliseconds, nanos};
use crate::pages::look::Look;

/// A figure with its name.
pub struct Tile {
    pub name: &'static str,
    pub value: String,
    /// A second figure beside it.
    pub beside: Option<String>,
    /// What stands under it.
    pub note: String,
    pub change: Option<Change>,
}

/// How a figure moved.
pub struct Change {
    pub text: String,
    /// `up` for better, `down` for worse, nothing for neither.
    pub class: &'static str,
}

/// Whether more is better.
#[derive(Clone, Copy, PartialEq, Eq)]
enum More {
    Better,
    Worse,
    Neither,
}

impl Tile {
    fn new(name: &'static str, value: String) -> Self {
        Self { name, value, beside: None, note: String::new(), change: None }
    }

    fn beside(self, beside: String) -> Self {
        Self { beside: Some(beside), ..self }
    }

    fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    fn against(self, now: i128, before: i128, more: More, look: Look) -> Self {
        let change = change_e4(now, before).map(|e4| Change {
            text: format!("{}{}", if e4 > 0 { "+" } else { "" }, look.percent(e4)),
            class: match (e4.signum(), more) {
                (0, _) | (_, More::Neither) => "",
                (1, More::Better) | (-1, More::Worse) => "up",
                _ => "down",
            },
        });
        Self { change, ..self }
    }
}

fn brl(amount: NanoBrl) -> i128 {
    nanos(&amount.to_string())
}

fn margin_percent(report: &Report, look: Look) -> Option<String> {
    let revenue = brl(report.revenue);
    if revenue <= 0 {
        return None;
    }
    let e4 = brl(report.margin).saturating_mul(10_000) / revenue;
    i64::try_from(e4).ok().map(|e4| figures::percent(e4, look.language))
}

/// Today's figures beside those of yesterday up to the same time.
pub fn day(today: &Report, yesterday: &Report, look: Look) -> Vec<Tile> {
    let before = look.say("ontem", "yesterday");
    let was = |text: String| format!("{before}: {text}");
    let pair = |now: u64, then: u64| (i128::from(now), i128::from(then));
    let (requests, requests_then) = pair(today.answered.requests, yesterday.answered.requests);
    let (users, users_then) = pair(today.users, yesterday.users);
    let credits = |report: &Report| i128::from(report.answered.credits.get());
    let errors = |report: &Report| i64::try_from(report.errors_e4).unwrap_or(i64::MAX);
    let latency = |report: &Report, at: usize| report.latency_ms.get(at).copied().unwrap_or_default();
    let money = |amount| exact_reais(amount, look.language);
    let usd = |report: &Report| dollars(report.answered.cost, look.language);
    let nano_usd = |report: &Report| i128::from(report.answered.cost.get());
    let ms = |value| milliseconds(value, look.language);
    vec![
        Tile::new(
            look.say("Requisições respondidas", "Requests answered"),
            look.number(today.answered.requests),
        )
        .note(was(look.number(yesterday.answered.requests)))
        .against(requests, requests_then, More::Better, look),
        Tile::new(look.say("Créditos usados", "Credits used"), look.credits(today.answered.credits))
            .note(was(look.credits(yesterday.answered.credits)))
            .against(credits(today), credits(yesterday), More::Better, look),
        Tile::new(look.say("Usuários ativos", "Active users"), look.number(today.users))
            .note(was(look.number(yesterday.users)))
            .against(users, users_then, More::Better, look),
        Tile::new(look.say("Taxa de erros", "Error rate"), look.percent(errors(today)))
            .note(was(look.percent(errors(yesterday))))
            .against(errors(today).into(), errors(yesterday).into(), More::Worse, look),
        Tile::new(look.say("Latência p50 / p95", "Latency p50 / p95"), ms(latency(today, 1)))
            .beside(format!("/ {}", ms(latency(today, 2))))
            .note(was(format!("{} / {}", ms(latency(yesterday, 1)), ms(latency(yesterday, 2)))))
            .against(latency(today, 2).into(), latency(yesterday, 2).into(), More::Worse, look),
        Tile::new(look.say("Receita", "Revenue"), money(today.revenue))
            .note(was(money(yesterday.revenue)))
            .against(brl(today.revenue), brl(yesterday.revenue), More::Better, look),
        Tile::new(look.say("Custo em reais", "Cost in reais"), money(today.cost))
            .note(was(money(yesterday.cost)))
            .against(brl(today.cost), brl(yesterday.cost), More::Neither, look),
        Tile::new(look.say("Custo em dólares", "Cost in dollars"), usd(today))
            .note(was(usd(yesterday)))
            .against(nano_usd(today), nano_usd(yesterday), More::Neither, look),
        Tile::new(look.say("Margem", "Margin"), money(today.margin))
            .note(was(money(yesterday.margin)))
            .against(brl(today.margin), brl(yesterday.margin), More::Better, look),
        Tile::new(look.say("Créditos em aberto", "Credits outstanding"), look.credits(today.outstanding))
            .note(look.say("o que todas as contas ainda podem gastar", "what all accounts may still spend")),
    ]
}

/// A range's figures.
pub fn range(report: &Report, look: Look) -> Vec<Tile> {
    let money = |amount| exact_reais(amount, look.language);
    let failed = format!("{} {}", look.number(report.failed), look.say("com falha", "failed"));
    let errors = i64::try_from(report.errors_e4).unwrap_or(i64::MAX);
    let ms = |at: usize| milliseconds(report.latency_ms.get(at).copied().unwrap_or_default(), look.language);
    let cost = format!(
        "{} {} ({})",
        look.say("custo", "cost"),
        money(report.cost),
        dollars(report.answered.cost, look.language)
    );
    let share = margin_percent(report, look).map(|share| format!("{share} · ")).unwrap_or_default();
    vec![
        Tile::new(
            look.say("Requisições respondidas", "Requests answered"),
            look.number(report.answered.requests),
        )
        .note(format!("{failed} ({})", look.percent(errors))),
        Tile::new(look.say("Créditos usados", "Credits used"), look.credits(report.answered.credits))
            .note(format!("{} {}", look.credits(report.granted), look.say("concedidos", "granted"))),
        Tile::new(look.say("Usuários ativos", "Active users"), look.number(report.users)).note(format!(
            "p50 {} · p95 {}",
            ms(1),
            ms(2)
        )),
        Tile::new(look.say("Receita", "Revenue"), money(report.revenue)).note(format!(
            "{} {}",
            money(report.returned),
            look.say("devolvidos", "paid back")
        )),
        Tile::new(look.say("Margem", "Margin"), money(report.margin)).note(format!("{share}{cost}")),
    ]
}
