//! The SQL surface, read from the sources: what the install script declares, what the library exports
//! and what superusers alone may call must be the same list.

#![allow(
    clippy::expect_used,
    reason = "a test that cannot go on fails, and says why"
)]

const SCHEMA: &str = include_str!("../sql/10_schema.sql");
const TABLES: &str = include_str!("../sql/20_tables.sql");
const TYPES: &str = include_str!("../sql/30_types.sql");
const FUNCTIONS: &str = include_str!("../sql/40_functions.sql");
const GRANTS: &str = include_str!("../sql/90_grants.sql");
const DOORS: &str = include_str!("../src/doors.rs");
const ACCESS: &str = include_str!("../src/access/mod.rs");

/// One `CREATE FUNCTION` statement.
struct Function {
    name: &'static str,
    /// From the name to the semicolon.
    text: &'static str,
}

impl Function {
    /// Name and type of each argument. No default of ours holds a comma.
    fn arguments(&self) -> Vec<(&'static str, &'static str)> {
        let list = between(self.text, "(", ")\nRETURNS");
        list.split(',')
            .filter_map(|argument| {
                let mut words = argument.split_whitespace();
                Some((words.next()?, words.next()?))
            })
            .collect()
    }

    fn comment(&self) -> &'static str {
        let mark = format!("COMMENT ON FUNCTION credentials.{}(", self.name);
        between(FUNCTIONS, &mark, ";\n")
    }
}

/// What stands between the first `start` and the next `end`.
fn between(text: &'static str, start: &str, end: &str) -> &'static str {
    text.split_once(start)
        .and_then(|(_, rest)| rest.split_once(end))
        .map(|(inner, _)| inner)
        .unwrap_or_default()
}

fn functions() -> Vec<Function> {
    FUNCTIONS
        .split("CREATE FUNCTION credentials.")
        .skip(1)
        .map(|rest| {
            let text = rest.split_once(";\n").expect("the end of a statement").0;
            let name = text.split_once('(').expect("arguments").0;
            Function { name, text }
        })
        .collect()
}

fn declared() -> Vec<&'static str> {
    let mut names: Vec<&str> = functions().iter().map(|f| f.name).collect();
    names.sort_unstable();
    names
}

fn doors() -> Vec<&'static str> {
    let mut names: Vec<&str> = DOORS
        .lines()
        .filter(|line| line.contains("::api::") && line.contains("=>"))
        .filter_map(|line| line.trim().split(':').next())
        .collect();
    names.sort_unstable();
    names
}

/// The functions of `SUPERUSER_ONLY`, however rustfmt lays the list out.
fn superusers_only() -> Vec<&'static str> {
    let list = between(ACCESS, "const SUPERUSER_ONLY:", "];");
    let (_, names) = list
        .split_once('=')
        .expect("the list of superusers' functions");
    names.split('"').skip(1).step_by(2).collect()
}

/// A script without its comments and without what stands in quotes: its statements alone.
fn statements(script: &str) -> String {
    let lines = script.lines().filter(|line| !line.starts_with("--"));
    let code = lines.collect::<Vec<_>>().join("\n");
    code.split('\'').step_by(2).collect()
}

#[test]
fn every_function_of_the_install_script_has_a_door_and_every_door_a_function() {
    assert!(declared().len() > 20);
    assert_eq!(declared(), doors());
}

#[test]
fn every_function_has_a_comment_the_pinned_settings_and_a_symbol_of_its_own() {
    for function in functions() {
        let Function { name, text } = function;
        assert!(!function.comment().is_empty(), "{name} has no comment");
        let symbol = format!("AS 'MODULE_PATHNAME', '{name}_wrapper'");
        assert!(text.ends_with(&symbol), "{name} has another's symbol");
        assert_eq!(text.matches("\n@PINNED@\n").count(), 1, "{name}");
    }
}

#[test]
fn every_function_is_an_invoker_s_and_volatile_and_none_is_strict_or_takes_the_type_name() {
    for function in functions() {
        let Function { name, text } = function;
        for word in [
            "LANGUAGE c",
            "VOLATILE",
            "PARALLEL UNSAFE",
            "SECURITY INVOKER",
        ] {
            assert!(text.contains(word), "{name} is not {word}");
        }
        for word in ["STRICT", "NULL ON NULL INPUT", "SECURITY DEFINER"] {
            assert!(!text.contains(word), "{name} is {word}");
        }
        for (argument, kind) in function.arguments() {
            assert_ne!(kind, "name", "{name}({argument})");
        }
    }
}

#[test]
fn the_install_script_takes_over_nothing_that_is_there_already() {
    for script in [SCHEMA, TABLES, TYPES, FUNCTIONS, GRANTS] {
        for word in ["OR REPLACE", "IF NOT EXISTS", "IF EXISTS"] {
            assert!(!statements(script).contains(word), "{word}");
        }
    }
}

#[test]
fn what_superusers_alone_may_call_says_so_in_its_comment_and_nothing_else_does() {
    let saying: Vec<&str> = functions()
        .iter()
        .filter(|f| f.comment().contains("Superusers only."))
        .map(|f| f.name)
        .collect();
    assert_eq!(saying, superusers_only());
}
