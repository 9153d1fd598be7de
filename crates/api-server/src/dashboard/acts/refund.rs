//! Paying back.

use actix_web::{HttpResponse, web};
use domain::billing::purchase::{Progress, Purchase};
use domain::ids::IdempotencyKey;
use domain::ports::billing::PurchaseName;
use domain::services::billing::refunds::RefundRequest;

use super::{Faults, Field, Input, Sheet, entered, new_key};
use crate::dashboard::layout::{Done, Section, Visit};
use crate::dashboard::posted::{Posted, Step};
use crate::dashboard::words;
use crate::http::problem::{Kind, Problem};
use crate::http::texts::Language;
use crate::pages::look::Look;

async fn purchase(visit: &Visit, id: &str) -> Result<Purchase, Problem> {
    let id = id.parse().map_err(|_| Kind::NotFound)?;
    let found = visit.app.stores.purchases.purchase(PurchaseName::Id(id)).await?;
    Ok(found.ok_or(Kind::NotFound)?)
}

/// `GET /admin/purchases/{purchase}/refund`.
pub async fn ask(visit: Visit, id: web::Path<String>) -> Result<HttpResponse, Problem> {
    visit.admin.acting()?;
    let purchase = purchase(&visit, &id).await?;
    if purchase.progress != Progress::Paid {
        return Err(Kind::NotPaid.into());
    }
    if purchase.left_minor() == 0 {
        return Err(Kind::AlreadyRefunded.into());
    }
    let mut posted = Posted::default().with("key", new_key());
    if is_boleto(&purchase) {
        posted = posted.with("by_hand", "1");
    }
    sheet(&purchase, &posted, visit.look).ask(&visit)
}

/// `POST /admin/purchases/{purchase}/refund`.
pub async fn take(visit: Visit, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, Problem> {
    let by = visit.admin.acting()?;
    let purchase = purchase(&visit, &id).await?;
    let sheet = sheet(&purchase, &posted, visit.look);
    let step = posted.step();
    if step == Step::Back {
        return sheet.ask(&visit);
    }
    let mut faults = Faults::new();
    let minor = amount(&purchase, &posted, step, &mut faults, visit.look);
    let reason = entered::reason(&posted, &mut faults, visit.look);
    if !faults.is_empty() {
        return sheet.ask_again(&visit, faults);
    }
    if step == Step::Review {
        if purchase.progress != Progress::Paid {
            return sheet.refused(&visit, &Kind::NotPaid.into());
        }
        let happens = happens(&purchase, minor, posted.ticked("by_hand"), visit.look);
        return sheet.confirm(&visit, happens);
    }
    let key = IdempotencyKey::parse(posted.get("key"))
        .or_else(|_| IdempotencyKey::parse(&new_key()))
        .map_err(|error| Problem::because(Kind::Internal, error))?;
    let manual = posted.ticked("by_hand");
    let request = RefundRequest { purchase: purchase.id, minor, manual, by, reason, key };
    match act(&visit, request).await {
        Ok(after) => {
            let back = after.returned_minor().saturating_sub(purchase.returned_minor());
            let asked = minor.unwrap_or_else(|| purchase.left_minor());
            visit.lead_to(&sheet.back, Done::Refunded(if back > 0 { back } else { asked }))
        }
        Err(problem) => sheet.refused(&visit, &problem),
    }
}

async fn act(visit: &Visit, request: RefundRequest) -> Result<Purchase, Problem> {
    let billing = visit.app.billing()?.clone();
    Ok(visit.app.run(async move { billing.refund(request).await }).await??)
}

fn is_boleto(purchase: &Purchase) -> bool {
    purchase.method.as_deref() == Some("boleto")
}

fn sheet(purchase: &Purchase, posted: &Posted, look: Look) -> Sheet {
    let left = look.reais(purchase.left_minor());
    let mut amount =
        Field::new("amount", look.say("Valor em reais", "Amount in reais"), Input::Amount, posted);
    amount.hint = match look.language {
        Language::Portuguese => format!("Vazio: tudo o que falta devolver, {left}."),
        Language::English => format!("Empty: all that is left to pay back, {left}."),
    };
    let by_hand = Field::new(
        "by_hand",
        look.say("Já devolvi por fora (só registrar)", "I paid it back elsewhere (only record it)"),
        Input::Tick,
        posted,
    )
    .hint(look.say(
        "Para boletos, que o provedor não devolve: pague por transferência e registre aqui.",
        "For boletos, which the provider cannot pay back: pay by transfer and record that here.",
    ));
    let reason =
        Field::new("reason", look.say("Motivo", "Reason"), Input::Lines, posted).required().hint(look.say(
            "Fica na auditoria, e nos dados que o usuário pode exportar.",
            "Kept in the audit log, and in the data that the user may export.",
        ));
    let price = look.reais(purchase.offer.price.minor());
    Sheet {
        section: Section::Purchases,
        heading: look.say("Devolver o pagamento", "Refund the payment"),
        about: vec![
            (look.say("Compra", "Purchase"), purchase.id.to_string()),
            (look.say("Usuário", "User"), purchase.user.to_string()),
            (
                look.say("Pago", "Paid"),
                format!("{price} · {}", words::method(purchase.method.as_deref(), look)),
            ),
            (look.say("Créditos", "Credits"), look.credits(purchase.offer.credits)),
            (look.say("Falta devolver", "Left to pay back"), left),
        ],
        fields: vec![amount, by_hand, reason],
        action: format!("/admin/purchases/{}/refund", purchase.id),
        back: format!("/admin/users/{}?tab=purchases", purchase.user),
        verb: look.say("Devolver", "Refund"),
        grave: true,
        key: posted.get("key").to_owned(),
    }
}

fn amount(purchase: &Purchase, posted: &Posted, step: Step, faults: &mut Faults, look: Look) -> Option<i64> {
    let text = posted.get("amount");
    if text.is_empty() {
        return None;
    }
    let minor = entered::centavos(text).filter(|minor| *minor > 0);
    match minor {
        None => {
            let wrong = look.say("Escreva um valor como 14,50.", "Write an amount such as 14.50.");
            faults.push(("amount", wrong.to_owned()));
        }
        // When it is done, the service decides: by then it may have been done once already.
        Some(minor) if step == Step::Review && minor > purchase.left_minor() => {
            let most = look.reais(purchase.left_minor());
            faults.push(("amount", format!("{} {most}.", look.say("No máximo", "At most"))));
        }
        Some(_) => {}
    }
    minor
}

fn happens(purchase: &Purchase, minor: Option<i64>, by_hand: bool, look: Look) -> Vec<String> {
    let amount = look.reais(minor.unwrap_or_else(|| purchase.left_minor()));
    let money = match (by_hand, look.language) {
        (true, Language::Portuguese) => {
            format!("Fica registrado que {amount} já foram devolvidos por fora. O provedor não é acionado.")
        }
        (true, Language::English) => {
            format!("It is recorded that {amount} were paid back elsewhere. The provider is not asked.")
        }
        (false, Language::Portuguese) => format!("O provedor de pagamento devolve {amount} ao cliente."),
        (false, Language::English) => format!("The payment provider pays {amount} back to the customer."),
    };
    let credits = look.say(
        "Os créditos que correspondem são retirados; os que já foram gastos ficam como dívida da conta.",
        "The credits that go with it are taken back; those that were spent already become owed.",
    );
    let final_word = look.say("Isto não pode ser desfeito.", "This cannot be undone.");
    vec![money, credits.to_owned(), final_word.to_owned()]
}
