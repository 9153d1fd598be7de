//! What is served is in the document, and what is in the document is served.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use api_server::routes::endpoint::{Access, Said};
use api_server::routes::everything;
use domain::ports::identity::Scope;
use reqwest::Method;

use super::document::{Operation, document, operations};
use crate::harness::{Setup, read};

/// Where pages for people are. They are not in the document, and nothing else is left out of it.
const FOR_PEOPLE: [&str; 5] = ["/admin", "/assets/", "/docs", "/playground/", "/sandbox/"];

fn is_for_people(path: &str) -> bool {
    path == "/" || FOR_PEOPLE.iter().any(|place| path.starts_with(place))
}

#[test]
fn every_route_is_in_the_document_or_was_decided_not_to_be() {
    let document = document();
    let said: BTreeSet<String> = operations(&document).iter().map(Operation::name).collect();
    let (mut described, mut all) = (BTreeSet::new(), BTreeSet::new());
    for endpoint in everything() {
        let name = format!("{} {}", endpoint.method, endpoint.path);
        assert!(all.insert(name.clone()), "{name} is in the tables twice");
        let is_described = matches!(endpoint.said, Said::Described(_));
        assert_eq!(is_described, !is_for_people(endpoint.path), "{name}");
        if is_described {
            described.insert(name);
        }
    }
    assert_eq!(described, said);
}

#[test]
fn the_document_says_of_each_route_who_may_as_the_table_does() {
    let document = document();
    let scopes = |scope: Scope| vec![scope.as_str().to_owned()];
    let table: BTreeMap<String, Access> =
        everything().iter().map(|it| (format!("{} {}", it.method, it.path), it.access)).collect();
    for operation in operations(&document) {
        let expected = match table[&operation.name()] {
            Access::Anyone => (false, false, vec![]),
            Access::Caller => (true, true, vec![]),
            Access::With(scope) => (true, true, scopes(scope)),
            Access::TokenWith(scope) => (true, false, scopes(scope)),
            Access::TokenWithAnyOf(some) => (true, false, some.iter().copied().flat_map(scopes).collect()),
        };
        let said = (operation.by_token, operation.by_key, operation.scopes.clone());
        assert_eq!(said, expected, "{}", operation.name());
    }
}

#[test]
fn every_operation_is_described_whole() {
    let document = document();
    let mut ids = BTreeSet::new();
    for operation in operations(&document) {
        let name = operation.name();
        let word = |field: &str| operation.said[field].as_str().unwrap_or_default().to_owned();
        assert!(ids.insert(word("operationId")) && !word("operationId").is_empty(), "{name}: its id");
        assert!(!word("summary").is_empty(), "{name}: its summary");
        assert_eq!(operation.said["tags"].as_array().map(Vec::len), Some(1), "{name}: its group");
        let in_path: Vec<&str> = operation.path.split(['{', '}']).skip(1).step_by(2).collect();
        let parts = operation.parameters(&document).filter(|it| it["in"] == "path");
        let said: Vec<&str> = parts.map(|it| it["name"].as_str().unwrap()).collect();
        assert_eq!(said, in_path, "{name}: the parts of its path");
        let answers = operation.said["responses"].as_object().unwrap();
        assert!(answers.keys().any(|status| status.starts_with('2')), "{name}: how it succeeds");
        assert!(answers.contains_key("500"), "{name}: how it fails");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_place_of_the_table_takes_its_methods_and_answers_405_to_others() {
    let server = Setup::sqlite().start().await;
    let mut places: BTreeMap<&str, Vec<Method>> = BTreeMap::new();
    for endpoint in everything() {
        let method = endpoint.method.as_str().parse().unwrap();
        places.entry(endpoint.path).or_default().push(method);
    }
    for (path, methods) in places {
        // What a braced part is called does as its value.
        let filled = path.replace(['{', '}'], "");
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD] {
            let request = server.client.request(method.clone(), format!("{}{filled}", server.url));
            let answer = request.send().await.unwrap();
            let refused = answer.status() == 405;
            // Who may read may ask for the head alone.
            let mut methods = methods.clone();
            if let Some(at) = methods.iter().position(|known| known == Method::GET) {
                methods.insert(at + 1, Method::HEAD);
            }
            assert_eq!(refused, !methods.contains(&method), "{method} {path}: {}", answer.status());
            if refused {
                let allow = answer.headers()["allow"].to_str().unwrap();
                let allowed: Vec<Method> = allow.split(", ").map(|it| it.parse().unwrap()).collect();
                assert_eq!(allowed, methods, "{path}");
            }
        }
    }
    let (status, body) = read(server.get("/api/nowhere").send().await.unwrap()).await;
    assert_eq!((status, &body["code"]), (404, &"not_found".into()));
    server.finish().await;
}

/// The table is the only way in: a route that is registered beside it would be in no document.
#[test]
fn nothing_is_registered_beside_the_table() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut waiting = vec![sources];
    while let Some(place) = waiting.pop() {
        if place.is_dir() {
            waiting.extend(std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = std::fs::read_to_string(&place).unwrap_or_default();
        let registers = ["web::resource(", "web::scope(", ".service(", ".route(\""];
        if registers.iter().any(|call| text.contains(call)) {
            found.push(place.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    found.sort();
    // The figures' listener is another one, and a unit test of CSV has a server of its own.
    assert_eq!(found, ["csv.rs", "endpoint.rs", "listener.rs"]);
}
