//! A notice as a letter: subject, text, HTML.

use askama::Template;
use domain::billing::notice::{Audience, NOBODY, Notice};
use domain::language::Language;
use domain::ledger::account::PlanName;

use crate::words::{self, Words};

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// For those who read text.
    pub text: String,
    /// For the others.
    pub html: String,
}

/// A label and its value.
struct Figure {
    label: &'static str,
    value: String,
}

#[derive(Template)]
#[template(path = "letter.txt", escape = "none")]
struct TextTemplate<'a> {
    words: &'a Words,
    figures: &'a [Figure],
    link: &'a str,
    footer: &'a str,
}

#[derive(Template)]
#[template(path = "letter.html")]
struct HtmlTemplate<'a> {
    tag: &'a str,
    words: &'a Words,
    figures: &'a [Figure],
    link: &'a str,
    footer: &'a str,
}

/// Writes the letter that tells a notice. `pages` is where the product is.
pub fn write(notice: &Notice, language: Language, pages: &str) -> Result<Letter, String> {
    let words = words::of(notice.kind, language);
    let figures = figures(notice, language);
    let link = match notice.kind.audience() {
        Audience::User => format!("{pages}/upgrade"),
        Audience::Admin => String::new(),
    };
    let footer = words::footer(notice.kind.audience(), language);
    let (tag, words_of, figures_of, link) = (language.tag(), &words, &figures, link.as_str());
    let text = TextTemplate { words: words_of, figures: figures_of, link, footer }.render();
    let html = HtmlTemplate { tag, words: words_of, figures: figures_of, link, footer }.render();
    let unwritten = |error: askama::Error| format!("the letter cannot be written: {error}");
    Ok(Letter {
        subject: words.subject.to_owned(),
        text: text.map_err(unwritten)?,
        html: html.map_err(unwritten)?,
    })
}

/// The figures that the notice has, in one order.
fn figures(notice: &Notice, language: Language) -> Vec<Figure> {
    let details = &notice.details;
    let credits = |amount: Option<domain::credits::Credits>| amount.map(|it| language.grouped(it.get()));
    let to_admins = notice.kind.audience() == Audience::Admin;
    let user = (to_admins && notice.user != NOBODY).then(|| notice.user.to_string());
    let all = [
        (language.pick("Conta", "Account"), user),
        (language.pick("Plano", "Plan"), details.plan.as_ref().map(|plan| PlanName::as_str(plan).to_owned())),
        (language.pick("Valor", "Amount"), details.minor.map(|minor| language.reais(minor))),
        (language.pick("Créditos", "Credits"), credits(details.credits)),
        (language.pick("Saldo de créditos", "Credits left"), credits(details.balance)),
        (language.pick("Aviso a partir de", "Told from"), credits(details.threshold)),
        (language.pick("Referência", "Reference"), to_admins.then(|| notice.subject.clone())),
        (language.pick("Detalhe", "Detail"), details.text.clone().filter(|_| to_admins)),
    ];
    all.into_iter().filter_map(|(label, value)| value.map(|value| Figure { label, value })).collect()
}

#[cfg(test)]
mod tests {
    use domain::billing::notice::{NoticeDetails, NoticeKind};
    use domain::clock::Timestamp;
    use domain::credits::Credits;
    use domain::ids::UserId;

    use super::*;

    fn notice(kind: NoticeKind) -> Notice {
        Notice {
            user: UserId::from_bytes([7; 16]),
            kind,
            subject: "entry:3".to_owned(),
            at: Timestamp::default(),
            details: NoticeDetails {
                plan: Some(PlanName::new("starter")),
                credits: Some(Credits::whole(5000)),
                minor: Some(2900),
                balance: Some(Credits::whole(1234)),
                threshold: Some(Credits::whole(500)),
                text: Some("<b>paid & \"more\"</b>".to_owned()),
            },
        }
    }

    #[test]
    fn every_kind_has_its_words_in_both_languages() {
        for kind in NoticeKind::ALL {
            let letters =
                Language::ALL.map(|language| write(&notice(kind), language, "https://app.test").unwrap());
            assert_ne!(letters[0].subject, letters[1].subject, "{kind:?}");
            for letter in letters {
                assert!(!letter.subject.is_empty() && letter.subject.lines().count() == 1);
                for part in [&letter.text, &letter.html] {
                    assert!(part.contains("1.234") || part.contains("1,234"), "{part}");
                    assert!(part.contains("R$ 29,00") || part.contains("R$ 29.00"), "{part}");
                }
            }
        }
    }

    #[test]
    fn a_user_is_told_where_to_buy_and_nothing_that_is_for_admins() {
        let letter =
            write(&notice(NoticeKind::LowBalance), Language::Portuguese, "https://app.test").unwrap();
        assert_eq!(letter.subject, "Seus créditos de IA estão acabando");
        for part in [&letter.text, &letter.html] {
            assert!(
                part.contains("https://app.test/upgrade") && part.contains("Saldo de créditos"),
                "{part}"
            );
            assert!(!part.contains("paid") && !part.contains("07070707"), "{part}");
        }
        assert!(letter.html.contains("lang=\"pt-BR\""));
    }

    #[test]
    fn an_admin_is_told_whose_account_and_what_is_wrong_and_html_is_escaped() {
        let letter =
            write(&notice(NoticeKind::PaymentMismatch), Language::English, "https://app.test").unwrap();
        assert!(letter.text.contains("<b>paid & \"more\"</b>") && letter.text.contains("07070707-"));
        assert!(
            !letter.html.contains("<b>paid") && letter.html.contains("&#60;b&#62;paid"),
            "{}",
            letter.html
        );
        assert!(!letter.text.contains("https://app.test"));
    }
}
