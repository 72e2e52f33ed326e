//! The functions of specs.

use super::apply::{self, Applied};
use super::diagram as drawing;
use super::export as exporting;
use super::foresee;
use super::gather::{self, View};
use super::layout::{Ask, Layout};
use super::plan as planning;
use super::spec::Spec;
use super::step::Line;
use crate::catalog;
use crate::core::name::Naming;
use crate::error::Result;
use crate::pg::call::{Answer, Call};
use crate::pg::value::{Type, Value};
use crate::settings;

/// `credentials.layout(kind, app, schema, environment)`.
pub fn layout(call: &Call) -> Result<Answer> {
    let layout = Layout::parse(&call.text("kind")?)?;
    let (schema, environment) = (call.maybe_text("schema")?, call.maybe_text("environment")?);
    let default = catalog::default_credential()?;
    let spec = layout.spec(&Ask {
        app: &call.text("app")?,
        schema: schema.as_deref(),
        environment: environment.as_deref(),
        deputy_of: call
            .caller
            .is_superuser()
            .then_some(default.role_name.as_str()),
        naming: Naming::parse(&settings::naming()).unwrap_or(Naming::Heroku),
    })?;
    Ok(Answer::One(spec.to_json().into()))
}

/// `credentials.plan(spec)`.
pub fn plan(call: &Call) -> Result<Answer> {
    let spec = gather::settled(Spec::parse(&call.json("spec")?)?)?;
    let now = gather::present(&call.caller, View::of(&spec))?;
    let steps = planning::plan(&spec, &now)?;
    foresee::refuse(&steps, &now, &call.caller)?;
    let lines = steps.iter().flat_map(|step| step.lines(&now));
    Ok(Answer::Rows(
        lines.zip(1..).map(|(line, i)| row(i, line)).collect(),
    ))
}

/// `credentials.apply(spec)`.
pub fn apply(call: &Call) -> Result<Answer> {
    let spec = gather::settled(Spec::parse(&call.json("spec")?)?)?;
    let done = apply::run(call, &spec)?;
    let mut rows = Vec::new();
    for Applied { lines, password } in done {
        let mut password = password;
        for line in lines {
            let told = password.take();
            let mut row = row(i32::try_from(rows.len() + 1).unwrap_or(i32::MAX), line);
            row.push(told.map_or(Value::Null(Type::Text), |secret| secret.expose().into()));
            rows.push(row);
        }
    }
    Ok(Answer::Rows(rows))
}

/// `credentials.export()`.
pub fn export(call: &Call) -> Result<Answer> {
    let now = gather::present(&call.caller, View::everything())?;
    Ok(Answer::One(exporting::export(&now).to_json().into()))
}

/// `credentials.diagram()`.
pub fn diagram(call: &Call) -> Result<Answer> {
    let now = gather::present(&call.caller, View::everything())?;
    Ok(Answer::One(drawing::diagram(&now).into()))
}

fn row(number: i32, line: Line) -> Vec<Value> {
    vec![
        number.into(),
        line.action.into(),
        line.object.into(),
        line.statement.into(),
    ]
}
