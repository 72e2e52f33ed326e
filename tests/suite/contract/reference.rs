//! docs/reference.md is made from the comments, the catalogs and the settings of a running server, and nothing else:
//! `make reference` writes it, and a test fails where the file is another.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use postgres::Client;

use super::{created, rows};

/// Set by `make reference`.
const WRITE: &str = "CREDENTIAL_MANAGER_WRITE_REFERENCE";

const HEAD: &str = "\
# Reference

Generated from the comments in the extension itself by `make reference`; `\\df+ credentials.*` in psql shows the same
texts. All functions stand in schema `credentials` and are called from the home database. Arguments can be given by
name: `SELECT * FROM credentials.create('analyst', valid_for => '8 hours');`. Arguments without a default must be
given; NULL is refused (22023) where the default is not NULL.
";

#[test]
fn the_reference_is_what_the_comments_say() {
    let (cluster, mut client) = created();
    let made = reference(&mut client, cluster.port());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    if std::env::var_os(WRITE).is_some() {
        fs::write(&file, &made).expect("to write the reference");
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    let differs = written
        .lines()
        .zip(made.lines())
        .find(|(written, made)| written != made);
    assert_eq!(
        differs, None,
        "docs/reference.md is out of date: make reference"
    );
    assert_eq!(
        written.len(),
        made.len(),
        "docs/reference.md is out of date: make reference"
    );
}

#[test]
fn every_error_of_the_contract_stands_in_the_reference_with_its_condition_name() {
    let table = errors();
    // SPEC section 5, and what ends in an SQLSTATE elsewhere in it.
    for (sqlstate, condition) in [
        ("42602", "invalid_name"),
        ("42939", "reserved_name"),
        ("42710", "duplicate_object"),
        ("42704", "undefined_object"),
        ("3F000", "invalid_schema_name"),
        ("53400", "configuration_limit_exceeded"),
        ("42501", "insufficient_privilege"),
        ("22023", "invalid_parameter_value"),
        ("55006", "object_in_use"),
        ("2BP01", "dependent_objects_still_exist"),
        ("55P03", "lock_not_available"),
        ("25006", "read_only_sql_transaction"),
        ("55000", "object_not_in_prerequisite_state"),
        ("25001", "active_sql_transaction"),
        ("0A000", "feature_not_supported"),
    ] {
        let line = format!("| `{sqlstate}` | `{condition}` |");
        assert!(table.contains(&line), "{line}\n{table}");
    }
}

fn reference(client: &mut Client, port: u16) -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n## Functions\n");
    for function in functions(client) {
        text.push_str(&function);
    }
    text.push_str("\n## Settings\n\nAll stand in postgresql.conf and take effect on a reload; none can be SET by a session, a role or a database.\n\n");
    text.push_str(&settings(client, port));
    text.push_str("\n## Tables\n\nGranted to nobody, written by the extension alone, and not part of a dump. Superusers may read them; everybody else reads through the functions.\n");
    text.push_str(&tables(client));
    text.push_str("\n## Errors\n\nThe DETAIL of an error says why, its HINT what to type next. The condition is the name for `EXCEPTION WHEN` in PL/pgSQL.\n\n");
    text.push_str(&errors());
    text
}

/// One section a function, in the order of the install script.
fn functions(client: &mut Client) -> Vec<String> {
    let functions = rows(
        client,
        "SELECT p.oid, p.proname::text, p.proretset, obj_description(p.oid, 'pg_proc'),
                ARRAY(SELECT concat(p.proargnames[i], ' ', format_type(p.proargtypes[i - 1], NULL),
                                    ' DEFAULT ' || regexp_replace(pg_get_function_arg_default(p.oid, i::int4), '::[^'']*$', ''))
                        FROM generate_series(1, p.pronargs) i),
                ARRAY(SELECT concat('`', a.attname, '` ', format_type(a.atttypid, a.atttypmod))
                        FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid
                       WHERE t.oid = p.prorettype AND a.attnum > 0 ORDER BY a.attnum),
                format_type(p.prorettype, NULL)
           FROM pg_proc p WHERE p.pronamespace = 'credentials'::regnamespace ORDER BY p.oid",
    );
    functions
        .iter()
        .map(|row| {
            let name: String = row.get(1);
            let many = if row.get(2) { "Rows" } else { "One row" };
            let columns: Vec<String> = row.get(5);
            let result = match columns.as_slice() {
                [] => format!("Returns {}.", row.get::<_, String>(6)),
                columns => format!("{many}: {}.", columns.join(", ")),
            };
            format!(
                "\n### {name}\n\n```sql\n{}\n```\n\n{}\n\n{}\n",
                call(&name, &row.get::<_, Vec<String>>(4)),
                prose(&row.get::<_, Option<String>>(3).unwrap_or_default()),
                short_types(&result),
            )
        })
        .collect()
}

/// The call with its arguments: on one line where they fit.
fn call(name: &str, arguments: &[String]) -> String {
    let line = format!("credentials.{name}({})", arguments.join(", "));
    let text = if line.len() <= 100 {
        line
    } else {
        format!("credentials.{name}(\n    {})", arguments.join(",\n    "))
    };
    short_types(&text)
}

/// Prose of a comment as Markdown: `<database>` would be a tag, and `|` the end of a cell.
fn prose(text: &str) -> String {
    text.replace('<', "\\<").replace('|', "\\|")
}

fn short_types(text: &str) -> String {
    text.replace("timestamp with time zone", "timestamptz")
}

fn settings(client: &mut Client, port: u16) -> String {
    let mut table =
        "| setting | default | unit | values | meaning |\n|---|---|---|---|---|\n".to_owned();
    let settings = rows(
        client,
        "SELECT name, boot_val, coalesce(unit, ''),
                CASE vartype WHEN 'enum' THEN array_to_string(enumvals, ', ')
                             WHEN 'integer' THEN concat(min_val, ' to ', max_val) ELSE 'text' END,
                concat_ws(' ', short_desc, extra_desc)
           FROM pg_settings WHERE name LIKE 'credential_manager.%' ORDER BY name COLLATE \"C\"",
    );
    for row in settings {
        let default: String = row.get(1);
        let default = match default.as_str() {
            "" => "empty".to_owned(),
            // What a server listens on differs from server to server.
            number if number == port.to_string() => "the server's".to_owned(),
            other => format!("`{other}`"),
        };
        let (name, unit, values, meaning): (String, String, String, String) =
            (row.get(0), row.get(2), row.get(3), row.get(4));
        let _ = writeln!(
            table,
            "| `{name}` | {default} | {unit} | {values} | {} |",
            prose(&meaning)
        );
    }
    table
}

fn tables(client: &mut Client) -> String {
    let mut text = String::new();
    let columns = rows(
        client,
        "SELECT c.relname::text, obj_description(c.oid, 'pg_class'), a.attname::text,
                format_type(a.atttypid, a.atttypmod), coalesce(col_description(c.oid, a.attnum), '')
           FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
          WHERE c.relnamespace = 'credentials'::regnamespace AND c.relkind = 'r'
            AND a.attnum > 0 AND NOT a.attisdropped
          ORDER BY c.oid, a.attnum",
    );
    let mut last = String::new();
    for row in columns {
        let table: String = row.get(0);
        if table != last {
            let comment: String = row.get(1);
            let _ = writeln!(text, "\n### credentials.{table}\n\n{comment}.\n\n| column | type | meaning |\n|---|---|---|");
            last = table;
        }
        let (column, kind, meaning): (String, String, String) =
            (row.get(2), row.get(3), row.get(4));
        let _ = writeln!(
            text,
            "| `{column}` | {} | {} |",
            short_types(&kind),
            prose(&meaning)
        );
    }
    text
}

/// The kinds of failure as the source has them: sentence, SQLSTATE and condition.
fn errors() -> String {
    let source = include_str!("../../../src/error.rs");
    let call = include_str!("../../../src/pg/call.rs");
    let body = source
        .split_once("pub enum Kind {")
        .and_then(|(_, rest)| rest.split_once('}'))
        .expect("the kinds of failure")
        .0;
    let mut table = "| SQLSTATE | condition | case |\n|---|---|---|\n".to_owned();
    let mut meaning = Vec::new();
    for line in body.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(sentence) = line.strip_prefix("/// ") {
            meaning.push(sentence);
            continue;
        }
        let kind = line.trim_end_matches(',');
        let sqlstate = after(source, &format!("Kind::{kind} => \""), "\"");
        let condition = after(
            call,
            &format!("Kind::{kind} => PgSqlErrorCode::ERRCODE_"),
            ",",
        );
        let _ = writeln!(
            table,
            "| `{sqlstate}` | `{}` | {} |",
            condition.to_lowercase(),
            meaning.join(" ")
        );
        meaning.clear();
    }
    table
}

fn after<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    text.split_once(start)
        .and_then(|(_, rest)| rest.split_once(end))
        .unwrap_or_else(|| panic!("no {start} in the source"))
        .0
}
