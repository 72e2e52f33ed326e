//! The SQL surface, read from the sources: what the install script declares, what the library exports
//! and what superusers alone may call must be the same list.

const SCRIPT: &str = include_str!("../sql/40_functions.sql");
const DOORS: &str = include_str!("../src/doors.rs");
const ACCESS: &str = include_str!("../src/access/mod.rs");

fn declared() -> Vec<&'static str> {
    let mut names: Vec<&str> = SCRIPT
        .lines()
        .filter_map(|line| line.strip_prefix("CREATE FUNCTION credentials."))
        .filter_map(|rest| rest.split('(').next())
        .collect();
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

#[test]
fn every_function_of_the_install_script_has_a_door_and_every_door_a_function() {
    assert!(declared().len() > 20);
    assert_eq!(declared(), doors());
}

#[test]
fn every_function_has_a_comment_the_pinned_settings_and_a_symbol_of_its_own() {
    for name in declared() {
        assert!(
            SCRIPT.contains(&format!("COMMENT ON FUNCTION credentials.{name}(")),
            "{name}"
        );
        assert!(
            SCRIPT.contains(&format!("AS 'MODULE_PATHNAME', '{name}_wrapper';")),
            "{name}"
        );
    }
    let pinned = SCRIPT.lines().filter(|line| *line == "@PINNED@").count();
    assert_eq!(pinned, declared().len());
}

#[test]
fn no_function_is_strict_or_takes_the_type_name_or_is_security_definer() {
    for word in [
        "STRICT",
        "RETURNS NULL ON NULL INPUT",
        " name name",
        "SECURITY DEFINER",
        "OR REPLACE",
        "IF NOT EXISTS",
    ] {
        assert!(!SCRIPT.contains(word), "{word}");
    }
}

#[test]
fn what_superusers_alone_may_call_says_so_in_its_comment() {
    let list = ACCESS
        .split("SUPERUSER_ONLY: [&str; 6] = [")
        .nth(1)
        .and_then(|rest| rest.split(']').next())
        .expect("the list of superusers' functions");
    for name in list.split(',').map(|word| word.trim().trim_matches('"')) {
        let comment = SCRIPT
            .split(&format!("COMMENT ON FUNCTION credentials.{name}("))
            .nth(1)
            .and_then(|rest| rest.split(";\n").next())
            .expect("a comment");
        assert!(comment.contains("Superusers only."), "{name}");
    }
}
