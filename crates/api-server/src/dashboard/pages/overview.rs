//! The front page: today, and a range of time.

mod tiles;

use actix_web::HttpResponse;
use askama::Template;
use domain::clock::Span;
use domain::reports::UserSum;
use domain::reports::period::{Part, Report};
use domain::services::figures::Point;

use super::paging::Parameters;
use crate::clock::{day_start, to_timestamp, today};
use crate::dashboard::charts::{Chart, Form, Plot};
use crate::dashboard::layout::{Frame, Section, Visit};
use crate::dashboard::ranges::{Range, USUAL};
use crate::dashboard::words;
use crate::http::problem::Problem;
use crate::pages::look::Look;
use crate::pages::{figures, html};
use tiles::Tile;

const DAY: Span = Span::from_secs(24 * 3600);

#[derive(Template)]
#[template(path = "dashboard/overview.html")]
struct OverviewPage {
    frame: Frame,
    now: String,
    today: Vec<Tile>,
    range: Range,
    /// Names of the usual ranges, and whether each is shown.
    usual: Vec<(&'static str, &'static str, bool)>,
    within: Vec<Tile>,
    requests: Chart,
    credits: Chart,
    money: Chart,
    points: Vec<Row>,
    breakdowns: Vec<Breakdown>,
    top_users: Vec<TopUser>,
    zone: &'static str,
}

/// A bucket, in words.
struct Row {
    label: String,
    answered: String,
    failed: String,
    credits: String,
    users: String,
    revenue: String,
    cost: String,
    margin: String,
}

/// How a range's requests divide.
struct Breakdown {
    heading: &'static str,
    about: &'static str,
    lines: Vec<Line>,
}

struct Line {
    name: String,
    answered: String,
    failed: String,
    credits: String,
    cost: String,
    /// Of the whole, in thousandths.
    share: i64,
}

struct TopUser {
    id: String,
    short: String,
    requests: String,
    credits: String,
    share: i64,
}

/// `GET /admin/`: people write it so.
pub async fn find() -> HttpResponse {
    html::lead_to("/admin").finish()
}

/// `GET /admin`.
pub async fn show(visit: Visit, query: Parameters) -> Result<HttpResponse, Problem> {
    let (look, figures) = (visit.look, visit.app.figures.clone());
    let now = visit.app.clock.now().at;
    let midnight = to_timestamp(day_start(look.zone, today(look.zone, now)));
    let before = to_timestamp(day_start(look.zone, today(look.zone, now.before(DAY))));
    let this_day = figures.report(midnight, now).await?;
    // Up to the same time of day: a whole day would always look better than one that has just begun.
    let yesterday = figures.report(before, now.before(DAY)).await?;
    let range = Range::of(&query, look.zone, now);
    let report = figures.report(range.from, range.to).await?;
    let points = figures.series(&range.buckets()?).await?;
    let labels: Vec<String> = points.iter().map(|point| label(point, &range, look)).collect();
    let page = OverviewPage {
        frame: visit.frame(Section::Overview, look.say("Visão geral", "Overview")),
        now: look.hour(now),
        today: tiles::day(&this_day, &yesterday, look),
        usual: usual(&range, look),
        within: tiles::range(&report, look),
        requests: requests(&points, &labels, look).draw()?,
        credits: credits(&points, &labels, look).draw()?,
        money: money(&points, &labels, look).draw()?,
        points: points.iter().zip(labels).rev().map(|(point, label)| row(point, label, look)).collect(),
        breakdowns: breakdowns(&report, look),
        top_users: top_users(&report.top_users, look),
        zone: look.zone.name(),
        range,
    };
    visit.page(&page)
}

fn usual(range: &Range, look: Look) -> Vec<(&'static str, &'static str, bool)> {
    let text = |name| match name {
        "24h" => look.say("24 horas", "24 hours"),
        "7d" => look.say("7 dias", "7 days"),
        "30d" => look.say("30 dias", "30 days"),
        _ => look.say("90 dias", "90 days"),
    };
    USUAL.into_iter().map(|(name, _)| (name, text(name), !range.wrong && range.name == name)).collect()
}

fn label(point: &Point, range: &Range, look: Look) -> String {
    match (range.by_hour(), range.name) {
        (true, "24h") => look.hour(point.from),
        (true, _) => format!("{} {}", look.short_day(point.from), look.hour(point.from)),
        (false, _) => look.short_day(point.from),
    }
}

/// For drawing only: figures are added up exactly before.
#[expect(clippy::cast_precision_loss, reason = "a pixel is coarser")]
fn height(number: i64) -> f32 {
    number as f32
}

fn reais_height(amount: domain::reports::reais::NanoBrl) -> f32 {
    amount.to_string().parse().unwrap_or_default()
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn requests(points: &[Point], labels: &[String], look: Look) -> Plot {
    let of = |value: fn(&Point) -> u64| points.iter().map(|point| height(count(value(point)))).collect();
    Plot {
        title: look.say("Requisições, respondidas e com falha", "Requests, answered and failed").to_owned(),
        labels: labels.to_vec(),
        series: vec![
            (look.say("Respondidas", "Answered").to_owned(), of(|point| point.figures.requests)),
            (look.say("Falhas", "Failed").to_owned(), of(|point| point.figures.failed)),
        ],
        form: Form::Stacked,
    }
}

fn credits(points: &[Point], labels: &[String], look: Look) -> Plot {
    let values = points.iter().map(|point| height(point.figures.credits.get())).collect();
    Plot {
        title: look.say("Créditos usados", "Credits used").to_owned(),
        labels: labels.to_vec(),
        series: vec![(look.say("Créditos", "Credits").to_owned(), values)],
        form: Form::Stacked,
    }
}

fn money(points: &[Point], labels: &[String], look: Look) -> Plot {
    let of = |value: fn(&Point) -> domain::reports::reais::NanoBrl| {
        points.iter().map(|point| reais_height(value(point))).collect()
    };
    Plot {
        title: look.say("Receita, custo e margem, em reais", "Revenue, cost and margin, in reais").to_owned(),
        labels: labels.to_vec(),
        series: vec![
            (look.say("Receita", "Revenue").to_owned(), of(|point| point.revenue)),
            (look.say("Custo", "Cost").to_owned(), of(|point| point.cost)),
            (look.say("Margem", "Margin").to_owned(), of(|point| point.margin)),
        ],
        form: Form::BarsAndLine,
    }
}

fn row(point: &Point, label: String, look: Look) -> Row {
    let figures = &point.figures;
    Row {
        label,
        answered: look.number(figures.requests),
        failed: look.number(figures.failed),
        credits: look.credits(figures.credits),
        users: look.number(figures.users),
        revenue: figures::exact_reais(point.revenue, look.language),
        cost: figures::exact_reais(point.cost, look.language),
        margin: figures::exact_reais(point.margin, look.language),
    }
}

fn breakdowns(report: &Report, look: Look) -> Vec<Breakdown> {
    let all = report.answered.requests.saturating_add(report.failed);
    let lines = |parts: &[Part], name: &dyn Fn(&str) -> String| {
        parts.iter().map(|part| line(part, name(&part.name), all, look)).collect()
    };
    vec![
        Breakdown {
            heading: look.say("Por modelo", "By model"),
            about: look.say("Modelo", "Model"),
            lines: lines(&report.by_model, &str::to_owned),
        },
        Breakdown {
            heading: look.say("Por tipo", "By type"),
            about: look.say("Tipo", "Type"),
            lines: lines(&report.by_request_type, &|name| words::request_kind(name, look)),
        },
        Breakdown {
            heading: look.say("Por plano", "By plan"),
            about: look.say("Plano", "Plan"),
            lines: lines(&report.by_plan, &|name| words::plan(name, look)),
        },
        Breakdown {
            heading: look.say("Por desfecho", "By outcome"),
            about: look.say("Desfecho", "Outcome"),
            lines: lines(&report.by_outcome, &|name| words::outcome(name, look).text),
        },
    ]
}

fn line(part: &Part, name: String, all: u64, look: Look) -> Line {
    let own = part.answered.requests.saturating_add(part.failed);
    Line {
        name,
        answered: look.number(part.answered.requests),
        failed: look.number(part.failed),
        credits: look.credits(part.answered.credits),
        cost: figures::dollars(part.answered.cost, look.language),
        share: thousandths(count(own), count(all)),
    }
}

fn top_users(users: &[UserSum], look: Look) -> Vec<TopUser> {
    let most = users.first().map_or(0, |user| user.credits.get());
    let row = |user: &UserSum| TopUser {
        id: user.user.to_string(),
        short: words::short(&user.user.to_string()),
        requests: look.number(user.requests),
        credits: look.credits(user.credits),
        share: thousandths(user.credits.get(), most),
    };
    users.iter().map(row).collect()
}

fn thousandths(part: i64, whole: i64) -> i64 {
    part.saturating_mul(1000).checked_div(whole).unwrap_or(0)
}
