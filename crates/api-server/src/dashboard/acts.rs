//! Forms that change something. Each asks, then says what will happen, and does it when told again; all of that in
//! forms, so that it works without scripts. What was entered is never lost: every answer but success carries it on.

mod entered;
pub mod on_user;
pub mod refund;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::layout::{Frame, Section, Visit};
use super::posted::Posted;
use crate::http::problem::Problem;
use crate::http::{problems, texts};

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A whole number or an amount of money.
    Amount,
    /// A day.
    Day,
    /// Some lines of text.
    Lines,
    /// Yes or no.
    Tick,
    /// One of some.
    Choice,
}

/// A field of a form.
pub struct Field {
    pub name: &'static str,
    pub label: &'static str,
    pub hint: String,
    pub input: Input,
    pub value: String,
    pub required: bool,
    pub fault: Option<String>,
    /// What can be chosen, and how it is called.
    pub choices: Vec<(String, String)>,
}

impl Field {
    fn new(name: &'static str, label: &'static str, input: Input, posted: &Posted) -> Self {
        Self {
            name,
            label,
            hint: String::new(),
            input,
            value: posted.get(name).to_owned(),
            required: false,
            fault: None,
            choices: Vec::new(),
        }
    }

    fn required(self) -> Self {
        Self { required: true, ..self }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    fn choices(self, choices: Vec<(String, String)>) -> Self {
        Self { choices, ..self }
    }
}

/// What is wrong with fields: their names, and in words why.
pub type Faults = Vec<(&'static str, String)>;

/// A form.
pub struct Sheet {
    pub section: Section,
    pub heading: &'static str,
    /// What it is about: label and value.
    pub about: Vec<(&'static str, String)>,
    pub fields: Vec<Field>,
    /// Where it is sent.
    pub action: String,
    /// Where one comes from.
    pub back: String,
    /// What its last button says.
    pub verb: &'static str,
    /// Whether it takes something away.
    pub grave: bool,
    /// The name of the act.
    pub key: String,
}

#[derive(Template)]
#[template(path = "dashboard/act.html")]
struct ActPage<'a> {
    frame: Frame,
    sheet: &'a Sheet,
    refusal: Option<String>,
}

#[derive(Template)]
#[template(path = "dashboard/confirm.html")]
struct ConfirmPage<'a> {
    frame: Frame,
    sheet: &'a Sheet,
    /// What will happen, in sentences.
    happens: Vec<String>,
    /// What was entered, in words.
    entered: Vec<(&'static str, String)>,
}

/// A name for an act that a form begins.
fn new_key() -> String {
    uuid::Uuid::now_v7().to_string()
}

impl Sheet {
    /// The form.
    fn ask(&self, visit: &Visit) -> Result<HttpResponse, Problem> {
        self.page(visit, StatusCode::OK, None)
    }

    /// The form, with what is wrong with it.
    fn ask_again(mut self, visit: &Visit, faults: Faults) -> Result<HttpResponse, Problem> {
        for (name, fault) in faults {
            if let Some(field) = self.fields.iter_mut().find(|field| field.name == name) {
                field.fault.get_or_insert(fault);
            }
        }
        self.page(visit, StatusCode::UNPROCESSABLE_ENTITY, None)
    }

    /// The form, with why nothing was done.
    fn refused(&self, visit: &Visit, problem: &Problem) -> Result<HttpResponse, Problem> {
        problems::log(&problem.kind, problem.cause.as_deref(), &visit.admin.request_id);
        let (title, message) = texts::say(&problem.kind, visit.look.language);
        let mut text = format!("{title}: {message}");
        if let crate::http::problem::Kind::Invalid(faults) = &problem.kind {
            for fault in faults {
                text = format!("{text} ({})", texts::rule(&fault.rule, visit.look.language));
            }
        }
        self.page(visit, problem.kind.status_and_code().0, Some(text))
    }

    fn page(
        &self,
        visit: &Visit,
        status: StatusCode,
        refusal: Option<String>,
    ) -> Result<HttpResponse, Problem> {
        let frame = visit.frame(self.section, self.heading);
        visit.page_with(status, &ActPage { frame, sheet: self, refusal })
    }

    /// What will happen.
    fn confirm(&self, visit: &Visit, happens: Vec<String>) -> Result<HttpResponse, Problem> {
        let entered = |field: &Field| {
            let value = match field.input {
                Input::Tick => visit.look.say("sim", "yes").to_owned(),
                Input::Choice => {
                    let choice = field.choices.iter().find(|(value, _)| *value == field.value);
                    choice.map_or_else(|| field.value.clone(), |(_, text)| text.clone())
                }
                _ => field.value.clone(),
            };
            (!field.value.is_empty()).then_some((field.label, value))
        };
        let page = ConfirmPage {
            frame: visit.frame(self.section, self.heading),
            sheet: self,
            happens,
            entered: self.fields.iter().filter_map(entered).collect(),
        };
        visit.page(&page)
    }
}
