//! Providers of models in the catalogue file.

use domain::catalog::{Serving, Upstream, UpstreamKind, UpstreamTimeouts};
use domain::clock::Span;
use serde::Deserialize;
use url::Url;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UpstreamFile {
    id: String,
    #[serde(default)]
    kind: KindFile,
    base_url: String,
    api_key_env: Option<String>,
    api_version: Option<String>,
    connect_seconds: Option<u32>,
    first_byte_seconds: Option<u32>,
    idle_seconds: Option<u32>,
    total_seconds: Option<u32>,
}

#[derive(Clone, Copy, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum KindFile {
    #[default]
    OpenAi,
    Azure,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServingFile {
    id: String,
    #[serde(default = "one")]
    priority: u32,
    #[serde(default = "one")]
    weight: u32,
    model: Option<String>,
}

const fn one() -> u32 {
    1
}

pub(super) fn upstream(file: &UpstreamFile, faults: &mut Vec<String>) -> Upstream {
    let id = &file.id;
    let is_web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    if !Url::parse(&file.base_url).is_ok_and(|url| is_web(&url)) {
        faults
            .push(format!("upstream `{id}`: base_url: `{}` is not an http or https address", file.base_url));
    }
    if matches!(file.kind, KindFile::OpenAi) && file.api_version.is_some() {
        faults.push(format!("upstream `{id}`: only azure has an api_version"));
    }
    let seconds = |time: Option<u32>| time.map(Span::from_secs);
    Upstream {
        id: id.clone(),
        kind: match file.kind {
            KindFile::OpenAi => UpstreamKind::OpenAi,
            KindFile::Azure => UpstreamKind::Azure { api_version: file.api_version.clone() },
        },
        base_url: file.base_url.clone(),
        api_key_env: file.api_key_env.clone(),
        timeouts: UpstreamTimeouts {
            connect: seconds(file.connect_seconds),
            first_byte: seconds(file.first_byte_seconds),
            idle: seconds(file.idle_seconds),
            total: seconds(file.total_seconds),
        },
    }
}

pub(super) fn serving(file: &ServingFile) -> Serving {
    Serving {
        upstream: file.id.clone(),
        priority: file.priority,
        weight: file.weight,
        model: file.model.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{EMBEDDED, parse};
    use adapters_openai::Tiktoken;
    use domain::catalog::{Serving, UpstreamKind, UpstreamTimeouts};
    use domain::clock::Span;

    /// The embedded catalogue with these upstreams, and with this of them for its first model.
    fn with(upstreams: &str, servings: &str) -> String {
        let id = "id = \"gpt-4o-mini\"\n";
        let text = EMBEDDED.replacen(id, &format!("{id}upstreams = {servings}\n"), 1);
        assert_ne!(text, EMBEDDED);
        format!("{text}\n{upstreams}\n")
    }

    #[test]
    fn upstreams_and_what_they_serve_are_read() {
        let text = with(
            "[[upstreams]]\nid = \"azure-br\"\nkind = \"azure\"\nbase_url = \"https://x.openai.azure.com\"\n\
             api_key_env = \"AZURE_KEY\"\napi_version = \"2024-10-21\"\nidle_seconds = 90\n\
             [[upstreams]]\nid = \"local\"\nbase_url = \"http://127.0.0.1:11434/v1\"",
            "[{ id = \"azure-br\", weight = 3, model = \"mini\" }, { id = \"local\", priority = 2 }, { id = \"openai\", priority = 3 }]",
        );
        let catalogue = parse(&text, &Tiktoken).unwrap();
        let [azure, local] = catalogue.upstreams() else { panic!("{:?}", catalogue.upstreams()) };
        assert_eq!(azure.kind, UpstreamKind::Azure { api_version: Some("2024-10-21".to_owned()) });
        assert_eq!(
            azure.timeouts,
            UpstreamTimeouts { idle: Some(Span::from_secs(90)), ..UpstreamTimeouts::default() }
        );
        assert_eq!((&local.kind, &local.api_key_env), (&UpstreamKind::OpenAi, &None));
        let model = catalogue.model("gpt-4o-mini").unwrap();
        let own = |upstream: &str, priority, weight, model: Option<&str>| Serving {
            upstream: upstream.to_owned(),
            priority,
            weight,
            model: model.map(str::to_owned),
        };
        assert_eq!(
            model.upstreams,
            [own("azure-br", 1, 3, Some("mini")), own("local", 2, 1, None), own("openai", 3, 1, None)]
        );
        assert_eq!(catalogue.model("gpt-4o").unwrap().upstreams, []);
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let text = with(
            "[[upstreams]]\nid = \"a\"\nbase_url = \"ftp://x\"\napi_version = \"1\"\ntotal_seconds = 541\n\
             [[upstreams]]\nid = \"a\"\nbase_url = \"not an address\"\nidle_seconds = 0\n\
             [[upstreams]]\nid = \" \"\nbase_url = \"http://x\"\napi_key_env = \"\"",
            "[{ id = \"b\" }, { id = \"a\", weight = 0 }, { id = \"a\" }]",
        );
        let faults = parse(&text, &Tiktoken).unwrap_err().join("\n");
        for part in [
            "`ftp://x` is not an http",
            "only azure has",
            "total_seconds must be from 1 to 540",
            "`not an address` is not an http",
            "idle_seconds must be",
            "two upstreams have the id `a`",
            "id must not be blank",
            "api_key_env must name",
            "no upstream `b`",
            "weight must be more",
            "`a` is named twice",
        ] {
            assert!(faults.contains(part), "{part} not in {faults}");
        }
    }

    #[test]
    fn unknown_words_are_refused() {
        for upstream in [
            "id = \"a\"\nbase_url = \"http://x\"\nurl = \"y\"",
            "id = \"a\"\nbase_url = \"http://x\"\nkind = \"x\"",
            "id = \"a\"",
        ] {
            assert!(parse(&with(&format!("[[upstreams]]\n{upstream}"), "[]"), &Tiktoken).is_err());
        }
        assert!(parse(&with("", "[{ id = \"openai\", wait = 1 }]"), &Tiktoken).is_err());
    }
}
