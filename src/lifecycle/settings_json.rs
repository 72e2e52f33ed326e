//! The settings argument of `configure`: a JSON object of names and values.

use super::store;
use crate::error::{shown, Error, Kind, Result};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// More than any sensible value; pg_db_role_setting keeps all of a role's in one row.
const LONGEST_VALUE: usize = 1024;

/// One setting to be set, or reset.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    /// The setting's name.
    pub name: String,
    /// Its value; nothing resets it.
    pub value: Option<String>,
}

/// Reads and judges the argument. Only what any user may SET is taken, and nothing that would make
/// another role of the session or load code into it.
pub fn parse(settings: &Json) -> Result<Vec<Change>> {
    let Json::Object(map) = settings else {
        return Err(bad("argument \"settings\" must be a JSON object"));
    };
    let mut changes = Vec::with_capacity(map.len());
    for (name, value) in map {
        refuse_name(name)?;
        changes.push(Change {
            name: name.clone(),
            value: text_of(name, value)?,
        });
    }
    Ok(changes)
}

/// The same out of a map.
pub fn changes(settings: &BTreeMap<String, Option<String>>) -> Vec<Change> {
    let change = |(name, value): (&String, &Option<String>)| Change {
        name: name.clone(),
        value: value.clone(),
    };
    settings.iter().map(change).collect()
}

/// Asks the server who may set each of them.
pub fn check_known(changes: &[Change]) -> Result<()> {
    for change in changes {
        match store::setting_context(&change.name)?.as_deref() {
            Some("user") => {}
            Some(_) => {
                return Err(bad(&format!(
                    "setting \"{}\" is not one that any user may set",
                    shown(&change.name)
                )))
            }
            None => {
                return Err(bad(&format!(
                    "setting \"{}\" does not exist",
                    shown(&change.name)
                )))
            }
        }
    }
    Ok(())
}

/// The error for a value that a setting does not take.
pub fn not_a_value(name: &str) -> Error {
    bad(&format!(
        "the value of \"{}\" is not one that it takes",
        shown(name)
    ))
}

fn refuse_name(name: &str) -> Result<()> {
    let folded = name.to_ascii_lowercase();
    let forbidden = matches!(
        folded.as_str(),
        "role" | "session_authorization" | "is_superuser"
    ) || folded.ends_with("_preload_libraries");
    if forbidden {
        return Err(
            bad(&format!("setting \"{}\" cannot be configured", shown(name)))
                .detail("It would change who the session is, or what code it loads."),
        );
    }
    if name.is_empty() || name.len() > 63 || name.contains('\0') {
        return Err(bad(&format!("setting \"{}\" does not exist", shown(name))));
    }
    Ok(())
}

fn text_of(name: &str, value: &Json) -> Result<Option<String>> {
    let text = match value {
        Json::Null => return Ok(None),
        Json::String(s) => s.clone(),
        Json::Bool(b) => b.to_string(),
        Json::Number(n) => n.to_string(),
        Json::Array(_) | Json::Object(_) => {
            return Err(bad(&format!(
                "the value of \"{}\" must be a text, a number, true, false or null",
                shown(name)
            )))
        }
    };
    if text.len() > LONGEST_VALUE || text.contains(['\0', '\n', '\r']) {
        return Err(bad(&format!(
            "the value of \"{}\" is too long or holds a line break",
            shown(name)
        )));
    }
    Ok(Some(text))
}

fn bad(message: &str) -> Error {
    Kind::BadArgument
        .error(message)
        .hint("SELECT * FROM credentials.configure('analyst', settings => '{\"statement_timeout\": \"30s\"}');")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test fails by panicking.
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_numbers_and_booleans_are_values_and_null_resets() {
        let changes = parse(&json!({"a": "30s", "b": 5, "c": true, "d": null})).unwrap();
        let values: Vec<_> = changes.iter().map(|c| c.value.as_deref()).collect();
        assert_eq!(values, [Some("30s"), Some("5"), Some("true"), None]);
    }

    #[test]
    fn what_changes_the_user_or_loads_code_is_refused_in_any_case() {
        for name in [
            "role",
            "ROLE",
            "session_authorization",
            "local_preload_libraries",
            "Session_Preload_Libraries",
        ] {
            let error = parse(&json!({ name: "x" })).unwrap_err();
            assert_eq!(error.kind(), Kind::BadArgument, "{name}");
        }
    }

    #[test]
    fn what_is_not_an_object_of_scalars_is_refused() {
        for bad in [
            json!([]),
            json!("x"),
            json!({"a": [1]}),
            json!({"a": {"b": 1}}),
            json!({"": "x"}),
            json!({"a": "x\ny"}),
        ] {
            assert!(parse(&bad).is_err(), "{bad}");
        }
    }
}
