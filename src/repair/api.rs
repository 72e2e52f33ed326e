//! `repair_default()` and `repair_plan()`.

use super::rights::{self, Domain};
use super::scope;
use crate::access;
use crate::catalog::{self, Credential};
use crate::error::{Kind as Failure, Result};
use crate::events::{self, Actor};
use crate::jobs::{self, Kind, Options, Order, Stage};
use crate::ownership;
use crate::pg::call::{Answer, Call};
use crate::pg::value::Value;
use crate::pg::{lock, log};
use serde_json::json;

/// `credentials.repair_default(include_unmanaged, keep_access)`.
pub fn repair_default(call: &Call) -> Result<Answer> {
    let options = options(call, call.bool("keep_access")?)?;
    let default = catalog::default_credential()?;
    lock::credential(default.role)?;
    let running = jobs::live_for(Some(default.role))?
        .into_iter()
        .find(|job| job.kind == Kind::Repair);
    if let Some(job) = running {
        return Err(Failure::InUse
            .error("a repair of the default credential is under way")
            .detail(format!("It is job {}.", job.id))
            .hint("SELECT * FROM credentials.jobs();"));
    }
    let mut order = Order::new(Kind::Repair, default.role, &default.name, Stage::Restore);
    order.options = options;
    let job = order.place(call.caller.effective)?;
    let detail = json!({"job": job, "include_unmanaged": options.include_unmanaged, "keep_access": options.keep_access});
    let (name, role) = (Some(default.name.as_str()), Some(default.role));
    events::record(
        Actor::Caller(&call.caller),
        call.function(),
        name,
        role,
        detail,
    )?;
    log::notice("follow it with SELECT * FROM credentials.wait('default')");
    Ok(Answer::Rows(vec![vec![
        default.name.as_str().into(),
        default.state.as_str().into(),
        job.into(),
    ]]))
}

/// `credentials.repair_plan(include_unmanaged)`.
pub fn repair_plan(call: &Call) -> Result<Answer> {
    let options = options(call, false)?;
    let default = catalog::default_credential()?;
    let mut rows = rights_rows(&default)?;
    let items = ownership::plan(&scope(default.role, options)?)?;
    for (row, item) in ownership::rows(&items).into_iter().zip(rows.len()..) {
        let mut row = row;
        if let Some(step) = row.first_mut() {
            *step = Value::Int4(i32::try_from(item + 1).unwrap_or(i32::MAX));
        }
        rows.push(row);
    }
    Ok(Answer::Rows(rows))
}

fn options(call: &Call, keep_access: bool) -> Result<Options> {
    let include_unmanaged = call.bool("include_unmanaged")?;
    if include_unmanaged {
        access::require_superuser(&call.caller, "taking the objects of unmanaged roles")?;
    }
    Ok(Options {
        include_unmanaged,
        keep_access,
    })
}

fn rights_rows(default: &Credential) -> Result<Vec<Vec<Value>>> {
    let domain = Domain::here(default.role, &default.role_name);
    let missing = rights::missing(&domain)?;
    let rows = missing.iter().enumerate().map(|(i, right)| {
        let (action, object, note) = rights::describe(&domain, right);
        vec![
            Value::Int4(i32::try_from(i + 1).unwrap_or(i32::MAX)),
            domain.database_name.as_str().into(),
            "right".into(),
            object.into(),
            action.into(),
            note.into(),
        ]
    });
    Ok(rows.collect())
}
