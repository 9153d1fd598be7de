//! Which simulated answer fits which question, and how its tokens are counted.

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::language_model::{
    AnswerStream, Ask, Completion, CompletionRequest, Finish, LanguageModel, Message, ModelError, Role,
    UpstreamHealth,
};
use domain::tokens::{TokenUsage, Tokens};

/// Characters per token, about what European languages need.
const CHARS_PER_TOKEN: usize = 4;
/// What each message costs beyond its text, in tokens.
const TOKENS_PER_MESSAGE: u64 = 4;
/// The most that an answer repeats of a question, in characters.
const TOPIC_CHARS: usize = 60;

/// How the simulated model behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SandboxConfig {
    /// How long each answer takes; zero by default.
    pub delay: Duration,
}

/// A language model that is none. Never fails.
#[derive(Clone, Copy, Debug, Default)]
pub struct SandboxModel {
    config: SandboxConfig,
}

impl SandboxModel {
    /// A simulated model that behaves as `config` says.
    pub const fn new(config: SandboxConfig) -> Self {
        Self { config }
    }
}

#[async_trait]
impl LanguageModel for SandboxModel {
    async fn complete(&self, request: CompletionRequest) -> Result<Completion, ModelError> {
        if !self.config.delay.is_zero() {
            tokio::time::sleep(self.config.delay).await;
        }
        let Ask::Conversation(messages) = &request.ask else {
            return Err(ModelError::Unusable("passed requests are to come".to_owned()));
        };
        let question = messages.iter().rev().find(|message| message.role == Role::User);
        let (text, finish) = cut(answer(question.map_or("", |message| &message.text)), request.max_output);
        let usage =
            TokenUsage { input: input_tokens(messages), output: tokens(&text), ..TokenUsage::default() };
        Ok(Completion { text, body: Vec::new(), usage: Some(usage), finish })
    }

    async fn stream(&self, _: CompletionRequest) -> Result<Box<dyn AnswerStream>, ModelError> {
        Err(ModelError::Unusable("streams are to come".to_owned()))
    }

    fn health(&self) -> Vec<UpstreamHealth> {
        Vec::new()
    }
}

/// The answer to a question. Its words matter: "sugiro" makes a suggestion of it and "análise" or
/// "insight" an insight, wherever answers are told apart.
fn answer(question: &str) -> String {
    let lower = question.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let has_word = |list: &[&str]| words.iter().any(|word| list.contains(word));
    let has_stem = |list: &[&str]| words.iter().any(|word| list.iter().any(|stem| word.starts_with(stem)));

    if has_word(&["insights"]) {
        return "[simulado] 1. Insight: as maiores despesas do período concentram boa parte do total; reveja-as primeiro.\n\
                2. Insight: compare a renda e os gastos de cada mês; a tendência diz mais do que um mês isolado.\n\
                3. Insight: reserve de 10% a 20% da renda assim que ela entra, antes dos gastos variáveis."
            .to_owned();
    }
    let topic = topic(question);
    if has_stem(&["anális", "analis", "insight"]) {
        format!(
            "[simulado] Sobre \"{topic}\": uma análise simples compara receitas e despesas mês a mês; quando as \
             despesas crescem mais depressa, o saldo encolhe mesmo em meses bons."
        )
    } else if has_word(&["devo", "como"]) || has_stem(&["sugest", "sugir", "suger", "recomend"]) {
        format!(
            "[simulado] Sobre \"{topic}\": sugiro começar pelas maiores despesas do mês, reservar de 10% a 20% da \
             renda assim que ela entra e rever o plano em 30 dias."
        )
    } else if topic.is_empty() || is_greeting(&words) {
        "[simulado] Olá! Sou uma simulação do assistente. Pergunte sobre receitas, despesas ou metas."
            .to_owned()
    } else {
        format!(
            "[simulado] Recebi a pergunta \"{topic}\". Sou uma simulação: com a chave de um provedor configurada, \
             um modelo de verdade responde aqui."
        )
    }
}

/// Whether these words are a greeting and nothing else.
fn is_greeting(words: &[&str]) -> bool {
    const GREETINGS: [&str; 12] =
        ["oi", "olá", "ola", "bom", "boa", "dia", "tarde", "noite", "tudo", "bem", "hello", "hi"];
    !words.is_empty() && words.iter().all(|word| GREETINGS.contains(word))
}

/// The beginning of a question, on one line.
fn topic(question: &str) -> String {
    let line = question.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= TOPIC_CHARS {
        return line;
    }
    let start: String = line.chars().take(TOPIC_CHARS).collect();
    format!("{}…", start.trim_end())
}

/// As much of the text as `limit` tokens hold.
fn cut(text: String, limit: Tokens) -> (String, Finish) {
    if tokens(&text) <= limit {
        return (text, Finish::Stop);
    }
    let chars = usize::try_from(limit.get()).unwrap_or(usize::MAX).saturating_mul(CHARS_PER_TOKEN);
    (text.chars().take(chars).collect(), Finish::Length)
}

fn input_tokens(messages: &[Message]) -> Tokens {
    messages.iter().fold(Tokens::ZERO, |sum, message| {
        sum.plus(tokens(&message.text)).plus(Tokens::new(TOKENS_PER_MESSAGE))
    })
}

fn tokens(text: &str) -> Tokens {
    let count = text.chars().count().div_ceil(CHARS_PER_TOKEN);
    Tokens::new(u64::try_from(count).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask_all(messages: &[(Role, &str)], max_output: u64) -> CompletionRequest {
        CompletionRequest {
            model: "sandbox".into(),
            provider_model: "sandbox".into(),
            reasoning: false,
            ask: Ask::Conversation(
                messages.iter().map(|(role, text)| Message { role: *role, text: (*text).into() }).collect(),
            ),
            max_output: Tokens::new(max_output),
            user_pseudonym: "someone".into(),
        }
    }

    fn ask(question: &str) -> CompletionRequest {
        ask_all(&[(Role::System, "Você é um assistente."), (Role::User, question)], 1000)
    }

    async fn completion(request: CompletionRequest) -> Completion {
        SandboxModel::default().complete(request).await.expect("never fails")
    }

    #[tokio::test]
    async fn every_answer_says_that_it_is_simulated() {
        for question in ["Olá", "Devo poupar?", "Faça uma análise", "Quanto gastei?", "", "  ", "3 insights"]
        {
            let answer = completion(ask(question)).await;
            assert!(answer.text.starts_with("[simulado] "), "{question}");
            assert_eq!(answer.finish, Finish::Stop);
        }
    }

    #[tokio::test]
    async fn a_question_for_advice_is_answered_with_a_suggestion() {
        for question in
            ["Devo quitar o cartão?", "COMO economizar?", "Tem alguma sugestão?", "O que você recomenda?"]
        {
            assert!(completion(ask(question)).await.text.contains("sugiro"), "{question}");
        }
    }

    #[tokio::test]
    async fn a_question_for_an_analysis_is_answered_with_one() {
        for question in ["Faça uma análise do mês", "ANÁLISE", "Analise meus gastos", "analisar"] {
            let text = completion(ask(question)).await.text;
            assert!(text.contains("análise") && !text.contains("sugiro"), "{question}");
        }
    }

    #[tokio::test]
    async fn greetings_and_plain_questions_are_answered_plainly() {
        for question in ["Oi!", "Bom dia", "Olá, tudo bem?", "Quanto gastei em maio?", "Comodoro"] {
            let text = completion(ask(question)).await.text.to_lowercase();
            for word in ["sugiro", "sugestão", "recomendo", "insight", "análise"] {
                assert!(!text.contains(word), "{question}: {text}");
            }
        }
    }

    #[tokio::test]
    async fn insights_come_as_three_numbered_points() {
        let text = completion(ask("Gere 3 insights sobre estes dados: {\"totalIncome\": 10}")).await.text;
        assert_eq!(text.lines().count(), 3);
        for number in ["1. ", "2. ", "3. "] {
            assert!(text.contains(number));
        }
    }

    #[tokio::test]
    async fn the_last_question_is_answered() {
        let turns = [
            (Role::User, "Devo poupar?"),
            (Role::Assistant, "Sim."),
            (Role::User, "Obrigado"),
            (Role::System, "Seja breve."),
        ];
        let text = completion(ask_all(&turns, 1000)).await.text;
        assert!(text.contains("Obrigado") && !text.contains("sugiro"));
    }

    #[tokio::test]
    async fn at_most_80_characters_of_a_question_are_repeated() {
        let question = "ç".repeat(5_000);
        let text = completion(ask(&question)).await.text;
        assert!(text.contains(&"ç".repeat(20)));
        assert!(!text.contains(&"ç".repeat(81)));
    }

    #[tokio::test]
    async fn the_same_request_gives_the_same_answer() {
        assert_eq!(completion(ask("Quanto gastei?")).await, completion(ask("Quanto gastei?")).await);
    }

    #[tokio::test]
    async fn tokens_are_a_quarter_of_the_characters_and_four_per_message() {
        let answer = completion(ask_all(&[(Role::System, "12345678"), (Role::User, "açãos")], 1000)).await;
        let usage = answer.usage.expect("always counted");
        assert_eq!(usage.input, Tokens::new((2 + 4) + (2 + 4)));
        assert_eq!(usage.output, tokens(&answer.text));
    }

    #[tokio::test]
    async fn an_answer_keeps_to_the_output_limit() {
        let full = completion(ask("Devo poupar?")).await;
        let needed = full.usage.expect("always counted").output.get();
        for limit in [0, 1, 7, needed - 1] {
            let request = CompletionRequest { max_output: Tokens::new(limit), ..ask("Devo poupar?") };
            let answer = completion(request).await;
            assert_eq!(answer.finish, Finish::Length);
            assert_eq!(answer.usage.expect("always counted").output, Tokens::new(limit));
            assert!(full.text.starts_with(&answer.text));
        }
        let request = CompletionRequest { max_output: Tokens::new(needed), ..ask("Devo poupar?") };
        assert_eq!(completion(request).await, full);
    }

    #[tokio::test]
    async fn a_delayed_model_keeps_its_caller_waiting() {
        let model = SandboxModel::new(SandboxConfig { delay: Duration::from_hours(1) });
        let waited = tokio::time::timeout(Duration::from_millis(5), model.complete(ask("Oi"))).await;
        assert!(waited.is_err());
    }
}
