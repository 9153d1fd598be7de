//! The command line, as an operator types it.

use std::process::{Command, Output};

use crate::harness::Setup;

pub fn api_server(setup: &Setup, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_api-server"))
        .args(arguments)
        .env_clear()
        .envs(&setup.variables)
        .env("RUST_LOG", "warn")
        .current_dir(setup.path("").as_path())
        .output()
        .unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn credits_are_granted_shown_and_verified_on_either_store() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        assert!(api_server(&setup, &["migrate"]).status.success());
        for expected in ["done: ", "was done before: "] {
            let given = api_server(
                &setup,
                &["credits", "grant", "maria", "250", "--reason", "boas-vindas", "--key", "k1"],
            );
            assert!(given.status.success(), "{}", text(&given.stderr));
            assert!(text(&given.stdout).starts_with(expected), "{}", text(&given.stdout));
            assert!(text(&given.stdout).contains("has 250 credits available"));
        }
        assert!(
            api_server(&setup, &["credits", "grant", "maria", "-50", "--reason", "engano"]).status.success()
        );
        let shown = text(&api_server(&setup, &["credits", "show", "maria"]).stdout);
        for part in ["available  200", "\"boas-vindas\"", "\"engano\"", "by operator"] {
            assert!(shown.contains(part), "{part} not in {shown}");
        }
        let verified = api_server(&setup, &["credits", "verify"]);
        assert!(verified.status.success());
        assert!(text(&verified.stdout).contains("1 accounts, 2 journal entries: everything adds up"));
        for bad in [
            ["credits", "grant", "maria", "0", "--reason", "x"],
            ["credits", "grant", "maria", "-900", "--reason", "x"],
            ["credits", "grant", "maria", "9", "--reason", " "],
        ] {
            let refused = api_server(&setup, &bad);
            assert_eq!(refused.status.code(), Some(1), "{bad:?}");
            assert!(!text(&refused.stderr).is_empty());
        }
    }
}

#[test]
fn broken_books_are_named_and_the_exit_code_says_so() {
    let setup = Setup::sqlite();
    assert!(api_server(&setup, &["credits", "grant", "maria", "100", "--reason", "x"]).status.success());
    tamper(&setup.path("saldo.db"), "UPDATE user_ai_credits SET total_credits = 101");
    let found = api_server(&setup, &["credits", "verify"]);
    assert_eq!(found.status.code(), Some(1));
    let user = adapters_jwt::user_id("maria").to_string();
    let said = text(&found.stdout);
    assert!(said.contains(&format!("I1 account {user}: total is 101, the journal gives 100")), "{said}");
    assert!(said.contains("I4"), "{said}");
}

pub fn tamper(file: &std::path::Path, sql: &str) {
    use diesel::{Connection, RunQueryDsl, SqliteConnection};
    let mut connection = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    assert_eq!(diesel::sql_query(sql).execute(&mut connection).unwrap(), 1);
}

#[test]
fn a_printed_token_is_a_token_and_nothing_else() {
    let setup = Setup::sqlite();
    let printed =
        text(&api_server(&setup, &["token", "--sub", "maria", "--role", "admin", "--ttl", "5m"]).stdout);
    assert_eq!(printed.trim().split('.').count(), 3);
    assert_eq!(printed.lines().count(), 1);
    for bad in [["token", "--sub", "x", "--ttl", "1w"], ["token", "--sub", "x", "--role", "root"]] {
        assert_eq!(api_server(&setup, &bad).status.code(), Some(2), "{bad:?}");
    }
}

#[test]
fn prices_are_checked() {
    let setup = Setup::sqlite();
    let checked = api_server(&setup, &["prices", "check"]);
    assert!(checked.status.success());
    let said = text(&checked.stdout);
    assert!(said.contains("3 plans, 10 models") && said.contains("gpt-4-turbo"), "{said}");
    assert_eq!(api_server(&setup, &["prices", "check", "--strict"]).status.code(), Some(1));
    std::fs::write(setup.path("bad.toml"), "default_model = 1").unwrap();
    let bad = api_server(&setup.with("CATALOG_FILE", "bad.toml"), &["prices", "check"]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(text(&bad.stderr).contains("bad.toml"), "{}", text(&bad.stderr));
}

#[test]
fn production_refuses_to_start_and_lists_everything() {
    let mut setup = Setup::sqlite();
    setup.variables = [("APP_ENV".to_owned(), "production".to_owned())].into();
    let refused = api_server(&setup, &[]);
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    for name in ["JWT_SECRET", "OPENAI_API_KEY não configurada", "DATABASE_URL", "FRONTEND_URL"] {
        assert!(said.contains(name), "{name} not in {said}");
    }
}

#[test]
fn every_command_helps() {
    let setup = Setup::sqlite();
    for command in [
        vec![],
        vec!["serve"],
        vec!["migrate"],
        vec!["token"],
        vec!["credits"],
        vec!["credits", "verify"],
        vec!["prices", "check"],
    ] {
        let mut arguments = command.clone();
        arguments.push("--help");
        let help = api_server(&setup, &arguments);
        assert!(help.status.success() && text(&help.stdout).contains("Usage:"), "{command:?}");
    }
}
