//! The two migration trees say the same: names, tables, columns.

use std::collections::BTreeMap;
use std::path::PathBuf;

use adapters_postgres::migration_names;

fn tree(dialect: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(dialect)
}

fn names(dialect: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(tree(dialect))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The columns of each table that the tree's statements create, in order.
fn tables(dialect: &str) -> BTreeMap<String, Vec<String>> {
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in names(dialect) {
        let sql = std::fs::read_to_string(tree(dialect).join(name).join("up.sql")).unwrap();
        for statement in without_comments(&sql).split(';') {
            let words: Vec<&str> = statement.split_whitespace().collect();
            match words[..] {
                ["CREATE", "TABLE", table, ..] if !words.contains(&"OF") => {
                    tables.insert(table.to_owned(), columns(statement));
                }
                ["ALTER", "TABLE", table, "ADD", "COLUMN", column, ..] => {
                    tables.entry(table.to_owned()).or_default().push(column.to_owned());
                }
                ["ALTER", "TABLE", table, "RENAME", "TO", name] => {
                    let columns = tables.remove(table).unwrap();
                    tables.insert(name.to_owned(), columns);
                }
                ["DROP", "TABLE", table] => assert!(tables.remove(table).is_some(), "{statement}"),
                ["ALTER", "TABLE", _, "SET", ..] | ["ALTER", "TABLE", _, "ALTER", "COLUMN", ..] => {}
                ["ALTER", "TABLE", ..] => panic!("this test cannot read: {statement}"),
                _ => {}
            }
        }
    }
    tables
}

fn without_comments(sql: &str) -> String {
    sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The first words of the parts between the outer parentheses, but for constraints.
fn columns(create_table: &str) -> Vec<String> {
    let body = create_table.split_once('(').unwrap().1;
    let mut parts = vec![String::new()];
    let mut depth = 1;
    for c in body.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        match (depth, c) {
            (0, _) => break,
            (1, ',') => parts.push(String::new()),
            _ => parts.last_mut().unwrap().push(c),
        }
    }
    let first_words = parts.iter().filter_map(|part| part.split_whitespace().next());
    first_words
        .filter(|word| !["PRIMARY", "CONSTRAINT", "UNIQUE", "CHECK", "FOREIGN"].contains(word))
        .filter(|word| !word.starts_with("CHECK("))
        .map(str::to_owned)
        .collect()
}

#[test]
fn both_trees_have_the_same_migrations_and_all_are_embedded() {
    assert_eq!(names("postgres"), names("sqlite"));
    assert_eq!(names("postgres"), migration_names());
}

#[test]
fn both_trees_make_the_same_tables_with_the_same_columns() {
    let (postgres, sqlite) = (tables("postgres"), tables("sqlite"));
    assert!(postgres["user_ai_credits"].contains(&"journal_hash".to_owned()), "{postgres:?}");
    assert_eq!(postgres, sqlite);
}
