use super::*;
use domain::tokens::Tokens;

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
    for question in ["Olá", "Devo poupar?", "Faça uma análise", "Quanto gastei?", "", "  ", "3 insights"] {
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
    assert_eq!(usage.output, tokens::tokens(&answer.text));
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
    let model =
        SandboxModel::new(SandboxConfig { delay: Duration::from_hours(1), ..SandboxConfig::default() });
    let waited = tokio::time::timeout(Duration::from_millis(5), model.complete(ask("Oi"))).await;
    assert!(waited.is_err());
}
