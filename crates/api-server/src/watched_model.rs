//! The language model as metering sees it: its calls are counted and traced, where somebody looks on.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use domain::ports::language_model::{
    AnswerStream, Completion, CompletionRequest, LanguageModel, ModelError, Piece, UpstreamHealth,
};

use tracing::{Instrument, Span};

use crate::metrics::{Metrics, families};
use crate::telemetry::spans;

/// A language model whose calls are watched.
pub struct WatchedModel {
    model: Arc<dyn LanguageModel>,
    metrics: Option<Arc<Metrics>>,
}

impl WatchedModel {
    /// This model, counted there if anywhere.
    pub fn new(model: Arc<dyn LanguageModel>, metrics: Option<Arc<Metrics>>) -> Self {
        Self { model, metrics }
    }

    fn call(&self, request: &CompletionRequest, mode: &'static str) -> Call {
        let (metrics, model) = (self.metrics.clone(), request.model.clone());
        let span = spans::model_call(&model, mode);
        Call { metrics, span, model, mode, begun: Instant::now(), ended: false }
    }
}

#[async_trait]
impl LanguageModel for WatchedModel {
    async fn complete(&self, request: CompletionRequest) -> Result<Completion, ModelError> {
        let mut call = self.call(&request, "whole");
        let result = self.model.complete(request).instrument(call.span.clone()).await;
        call.end(result.as_ref().map_or_else(word, |_| "ok"));
        result
    }

    async fn stream(&self, request: CompletionRequest) -> Result<Box<dyn AnswerStream>, ModelError> {
        let mut call = self.call(&request, "stream");
        match self.model.stream(request).instrument(call.span.clone()).await {
            Ok(stream) => Ok(Box::new(WatchedStream { stream, call, spoke: false })),
            Err(error) => {
                call.end(word(&error));
                Err(error)
            }
        }
    }

    fn health(&self) -> Vec<UpstreamHealth> {
        self.model.health()
    }
}

struct WatchedStream {
    stream: Box<dyn AnswerStream>,
    call: Call,
    /// Whether there was output.
    spoke: bool,
}

#[async_trait]
impl AnswerStream for WatchedStream {
    async fn next(&mut self) -> Result<Option<Piece>, ModelError> {
        let result = self.stream.next().instrument(self.call.span.clone()).await;
        match &result {
            Ok(Some(piece)) if !self.spoke && !piece.text.is_empty() => {
                self.spoke = true;
                self.call.first_output();
            }
            Ok(Some(_)) => {}
            Ok(None) => self.call.end("ok"),
            Err(error) => self.call.end(word(error)),
        }
        result
    }
}

/// A call, counted once: when it ends, or when nobody waits for its end any more.
struct Call {
    metrics: Option<Arc<Metrics>>,
    span: Span,
    model: String,
    mode: &'static str,
    begun: Instant,
    ended: bool,
}

impl Call {
    fn first_output(&self) {
        if let Some(metrics) = &self.metrics {
            let first = metrics.histogram(&families::FIRST_TOKEN, [self.model.clone()]);
            first.record(self.begun.elapsed());
        }
    }

    fn end(&mut self, result: &'static str) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.span.record("saldo.result", result);
        if !matches!(result, "ok" | "left") {
            spans::failed(&self.span, result);
        }
        let Some(metrics) = &self.metrics else { return };
        let labels = || [self.model.clone(), self.mode.to_owned()];
        metrics.histogram(&families::MODEL_DURATION, labels()).record(self.begun.elapsed());
        let labels = labels().into_iter().chain([result.to_owned()]);
        metrics.counter(&families::MODEL_CALLS, labels).increment(1);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end("left");
    }
}

fn word(error: &ModelError) -> &'static str {
    match error {
        ModelError::Unreachable(_) => "unreachable",
        ModelError::KeyRefused(_) => "key_refused",
        ModelError::Limited { .. } => "limited",
        ModelError::Resting { .. } => "resting",
        ModelError::Rejected(_) => "rejected",
        ModelError::Failed { .. } => "failed",
        ModelError::Unusable(_) => "unusable",
        ModelError::TimedOut => "timed_out",
        ModelError::Interrupted(_) => "interrupted",
    }
}

#[cfg(test)]
mod tests {
    use domain::ports::language_model::Ask;
    use domain::tokens::Tokens;

    use super::*;

    struct Model(Option<ModelError>);

    #[async_trait]
    impl LanguageModel for Model {
        async fn complete(&self, _: CompletionRequest) -> Result<Completion, ModelError> {
            Err(self.0.clone().unwrap_or(ModelError::TimedOut))
        }

        async fn stream(&self, _: CompletionRequest) -> Result<Box<dyn AnswerStream>, ModelError> {
            if let Some(error) = &self.0 {
                return Err(error.clone());
            }
            Ok(Box::new(Pieces(vec!["!", "Olá", ""])))
        }

        fn health(&self) -> Vec<UpstreamHealth> {
            Vec::new()
        }
    }

    struct Pieces(Vec<&'static str>);

    #[async_trait]
    impl AnswerStream for Pieces {
        async fn next(&mut self) -> Result<Option<Piece>, ModelError> {
            Ok(self.0.pop().map(|text| Piece { text: text.to_owned(), ..Piece::default() }))
        }
    }

    fn counted(error: Option<ModelError>) -> (WatchedModel, Arc<Metrics>) {
        let metrics = Arc::new(Metrics::new().unwrap());
        (WatchedModel::new(Arc::new(Model(error)), Some(Arc::clone(&metrics))), metrics)
    }

    fn request() -> CompletionRequest {
        CompletionRequest {
            model: "m".to_owned(),
            provider_model: "m-1".to_owned(),
            reasoning: false,
            ask: Ask::Conversation(Vec::new()),
            max_output: Tokens::new(10),
            user_pseudonym: "someone".to_owned(),
        }
    }

    #[track_caller]
    fn has(metrics: &Metrics, line: &str) {
        let text = metrics.text();
        assert!(text.lines().any(|other| other == line), "{line} not in\n{text}");
    }

    #[tokio::test]
    async fn a_stream_is_counted_at_its_end_and_its_first_output_is_timed() {
        let (model, metrics) = counted(None);
        let mut stream = model.stream(request()).await.unwrap();
        assert!(stream.next().await.unwrap().unwrap().text.is_empty());
        assert!(!metrics.text().contains("saldo_model_first_token_seconds_count"));
        while stream.next().await.unwrap().is_some() {}
        drop(stream);
        has(&metrics, "saldo_model_first_token_seconds_count{model=\"m\"} 1");
        has(&metrics, "saldo_model_calls_total{model=\"m\",mode=\"stream\",result=\"ok\"} 1");
        has(&metrics, "saldo_model_call_duration_seconds_count{model=\"m\",mode=\"stream\"} 1");
    }

    #[tokio::test]
    async fn what_nobody_reads_to_its_end_was_left() {
        let (model, metrics) = counted(None);
        let mut stream = model.stream(request()).await.unwrap();
        stream.next().await.unwrap();
        drop(stream);
        has(&metrics, "saldo_model_calls_total{model=\"m\",mode=\"stream\",result=\"left\"} 1");
    }

    #[tokio::test]
    async fn failures_are_counted_by_their_kind() {
        let (model, metrics) = counted(Some(ModelError::KeyRefused("no".to_owned())));
        model.complete(request()).await.unwrap_err();
        assert!(model.stream(request()).await.is_err());
        for mode in ["whole", "stream"] {
            let labels = format!("{{model=\"m\",mode=\"{mode}\",result=\"key_refused\"}}");
            has(&metrics, &format!("saldo_model_calls_total{labels} 1"));
        }
    }
}
