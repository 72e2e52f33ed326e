//! The traps of a hostile database owner (THREATS T01, T04, T40, T44): settings that the owner may give its database
//! and its role, and a schema first in the path whose functions and operators stand in for the server's own.
//!
//! A trap writes a line to the server log, which outlives a rollback. It is sprung when it is called with a superuser's
//! rights, or from within a statement that is not the client's own: the tests' own SQL may step on it.

use postgres::Client;

/// What the owner may set and a superuser's session would inherit.
const SETTINGS: [(&str, &str); 13] = [
    ("search_path", "evil, pg_catalog, public"),
    ("default_transaction_isolation", "'repeatable read'"),
    ("lock_timeout", "'20s'"),
    ("statement_timeout", "'90s'"),
    ("row_security", "off"),
    ("standard_conforming_strings", "off"),
    ("quote_all_identifiers", "on"),
    ("bytea_output", "escape"),
    ("datestyle", "'SQL, DMY'"),
    ("backslash_quote", "on"),
    ("transform_null_equals", "on"),
    ("check_function_bodies", "off"),
    ("synchronous_commit", "off"),
];

/// Connection options that put them right for the harness's own superuser.
pub const UNDO: &str = "-c search_path=public -c default_transaction_isolation=read\\ committed -c lock_timeout=0 \
-c statement_timeout=0 -c row_security=on -c standard_conforming_strings=on -c quote_all_identifiers=off \
-c bytea_output=hex -c datestyle=ISO -c backslash_quote=safe_encoding -c transform_null_equals=off \
-c check_function_bodies=on -c synchronous_commit=on";

/// Stand-ins: name, arguments, result, and the true thing to call.
const FUNCTIONS: [(&str, &str, &str, &str); 14] = [
    ("lower", "text", "text", "pg_catalog.lower($1)"),
    ("upper", "text", "text", "pg_catalog.upper($1)"),
    ("length", "text", "int4", "pg_catalog.length($1)"),
    ("format", "text, text", "text", "pg_catalog.format($1, $2)"),
    (
        "format",
        "text, text, text",
        "text",
        "pg_catalog.format($1, $2, $3)",
    ),
    ("quote_ident", "text", "text", "pg_catalog.quote_ident($1)"),
    (
        "quote_literal",
        "text",
        "text",
        "pg_catalog.quote_literal($1)",
    ),
    ("encode", "bytea, text", "text", "pg_catalog.encode($1, $2)"),
    (
        "current_setting",
        "text",
        "text",
        "pg_catalog.current_setting($1)",
    ),
    (
        "set_config",
        "text, text, bool",
        "text",
        "pg_catalog.set_config($1, $2, $3)",
    ),
    ("now", "", "timestamptz", "pg_catalog.now()"),
    (
        "current_database",
        "",
        "name",
        "pg_catalog.current_database()",
    ),
    (
        "pg_has_role",
        "oid, text",
        "bool",
        "pg_catalog.pg_has_role($1, $2)",
    ),
    (
        "pg_terminate_backend",
        "int4",
        "bool",
        "pg_catalog.pg_terminate_backend($1)",
    ),
];

/// Operators that compare what our statements compare.
const OPERATORS: [(&str, &str, &str); 9] = [
    ("=", "text", "bool"),
    ("=", "oid", "bool"),
    ("=", "name", "bool"),
    ("=", "int4", "bool"),
    ("=", "int8", "bool"),
    ("<>", "text", "bool"),
    ("<>", "oid", "bool"),
    ("<=", "timestamptz", "bool"),
    ("||", "text", "text"),
];

/// The line that a trap writes; put together in the server, so that a logged CREATE FUNCTION does not look like one.
const MARK: &str = "trap-of-the-owner:";

/// Sets all traps. The first `SQL statement` of a call stack is the trap's own call of `tell`; a second one is the
/// statement of a function that stepped on it. Made by `owner`, given to its database and to its own role there.
pub fn set_traps(client: &mut Client, owner: &str) {
    let mut sql = format!(
        "SET ROLE \"{owner}\"; CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC;
         CREATE FUNCTION evil.tell(what text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
         DECLARE stack text; BEGIN
           GET DIAGNOSTICS stack = PG_CONTEXT;
           IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
              OR (stack LIKE '%SQL statement%SQL statement%' AND stack NOT LIKE '%inline_code_block%') THEN
             RAISE LOG '%-of-the-owner: % called as % of %', 'trap', what, current_user, session_user;
           END IF;
         END $$;"
    );
    for (name, arguments, result, call) in FUNCTIONS {
        sql.push_str(&stand_in(name, arguments, result, call));
    }
    for (number, (operator, operand, result)) in OPERATORS.iter().enumerate() {
        let call = format!("$1 OPERATOR(pg_catalog.{operator}) $2");
        let name = format!("operator_{number}");
        sql.push_str(&stand_in(
            &name,
            &format!("{operand}, {operand}"),
            result,
            &call,
        ));
        sql.push_str(&format!(
            "CREATE OPERATOR evil.{operator} (FUNCTION = evil.{name}, LEFTARG = {operand}, RIGHTARG = {operand});"
        ));
    }
    for (name, value) in SETTINGS {
        sql.push_str(&format!("ALTER DATABASE app SET {name} = {value};"));
        sql.push_str(&format!("ALTER ROLE \"{owner}\" SET {name} = {value};"));
    }
    sql.push_str("RESET ROLE;");
    client
        .batch_execute(&sql)
        .expect("the traps of a hostile owner");
}

/// A function that tells and then does what the true one does.
fn stand_in(name: &str, arguments: &str, result: &str, call: &str) -> String {
    format!(
        "CREATE FUNCTION evil.{name}({arguments}) RETURNS {result} LANGUAGE plpgsql AS $$
         BEGIN PERFORM evil.tell('{name}'); RETURN {call}; END $$;"
    )
}

/// The traps that were sprung, from the server log.
pub fn sprung(log: &str) -> Vec<String> {
    let mut lines: Vec<&str> = log
        .lines()
        .filter_map(|line| line.find(MARK).map(|at| &line[at..]))
        .collect();
    lines.sort_unstable();
    lines.dedup();
    lines.iter().map(|line| (*line).to_owned()).collect()
}
