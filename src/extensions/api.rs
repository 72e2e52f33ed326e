//! `credentials.install_extension(…)`.

use super::Request;
use crate::catalog;
use crate::error::{shown, Result};
use crate::events::{self, Actor};
use crate::pg::call::{Answer, Call};
use crate::pg::extension::Right;
use crate::pg::log;
use serde_json::json;

/// `credentials.install_extension(extension, schema, version)`.
pub fn install_extension(call: &Call) -> Result<Answer> {
    let extension = call.text("extension")?;
    let (schema, version) = (call.maybe_text("schema")?, call.maybe_text("version")?);
    let default = catalog::default_credential()?;
    let request = Request {
        extension: &extension,
        schema: schema.as_deref(),
        version: version.as_deref(),
    };
    let done = super::install(&call.caller, &default, &request)?;
    if let Some(right) = done.installed_by {
        let by = match right {
            Right::Caller => "caller",
            Right::Superuser => "superuser",
        };
        let detail = json!({
            "extension": shown(&extension), "schema": shown(&done.schema),
            "version": shown(&done.version), "by_right_of": by,
        });
        let actor = Actor::Caller(&call.caller);
        events::record(actor, "install_extension", None, None, detail)?;
        if done.schema != "pg_catalog" {
            log::notice(&format!(
                "its objects are in schema \"{0}\": GRANT USAGE ON SCHEMA \"{0}\" TO whoever is to use them, and add it to their search_path",
                shown(&done.schema)
            ));
        }
    }
    Ok(Answer::Rows(vec![vec![
        extension.as_str().into(),
        done.schema.as_str().into(),
        done.version.as_str().into(),
    ]]))
}
