//! The server's csvlog, record by record, and where in it a password may stand that a caller typed.

use std::fs;

use crate::harness::Cluster;

/// Columns of PostgreSQL's csvlog (documentation, "Using CSV-Format Log Output").
const MESSAGE: usize = 13;
const DETAIL: usize = 14;
const CONTEXT: usize = 18;
const STATEMENT: usize = 19;
const COLUMNS: usize = 26;

/// All records of the csv logs.
pub fn records(cluster: &Cluster) -> Vec<Vec<String>> {
    let folder = fs::read_dir(cluster.data_dir().join("log")).expect("a folder of logs");
    let files = folder
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "csv"));
    let text: String = files
        .map(|file| String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned())
        .collect();
    let records = parse(&text);
    // The last one may be on its way.
    let whole: Vec<Vec<String>> = records
        .into_iter()
        .filter(|record| record.len() == COLUMNS)
        .collect();
    assert!(whole.len() > 10, "{} records", whole.len());
    whole
}

/// CSV as the server writes it: fields in quotes where there is something to quote, quotes doubled.
fn parse(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field, mut quoted) =
        (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            c => field.push(c),
        }
    }
    records
}

/// Every place of the log that holds `typed` and is not the logged statement of the caller itself.
pub fn stray(cluster: &Cluster, typed: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for record in records(cluster) {
        let own_statement = is_own_statement(&record[MESSAGE]);
        for password in typed {
            for (column, _) in record
                .iter()
                .enumerate()
                .filter(|(_, field)| field.contains(password.as_str()))
            {
                let right = match column {
                    STATEMENT => true,
                    MESSAGE | CONTEXT | DETAIL => own_statement,
                    _ => false,
                };
                if !right {
                    found.push(format!("{password} in column {column}: {record:?}"));
                }
            }
        }
    }
    found
}

/// Whether a record is there to log a statement: by log_statement, by a duration, or by auto_explain, which quotes it as
/// its Query Text. Its parameters are in DETAIL, and PL/pgSQL quotes it again in CONTEXT.
fn is_own_statement(message: &str) -> bool {
    message.starts_with("statement: ")
        || message.starts_with("execute ")
        || message.starts_with("duration: ")
}

#[test]
fn records_are_read_with_their_quotes_and_newlines() {
    let text = "a,\"b \"\"c\"\",\nd\",,\"\"\ne,f\n";
    assert_eq!(
        parse(text),
        [vec!["a", "b \"c\",\nd", "", ""], vec!["e", "f"]]
    );
}
