//! Which simulated answer fits which question.

/// The most that an answer repeats of a question, in characters.
const TOPIC_CHARS: usize = 60;

/// The answer to a question. Its words matter: "sugiro" makes a suggestion of it and "análise" or
/// "insight" an insight, wherever answers are told apart.
pub(super) fn answer(question: &str) -> String {
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
