//! Attachments: which app has which credential under which config variable, and where its URL leads.
//!
//! An app is a name: it is there as long as something is attached to it. Its config variables are not kept: they
//! are made of the credential's username and password when they are asked for, so they follow a rotation in its
//! own transaction.

pub mod api;
pub mod endpoint;
pub mod plan;
mod store;

pub use store::{all, forget, forget_former, former_apps, of_app, of_role};

use crate::catalog::{self, Credential};
use crate::core::app;
use crate::error::{shown, Error, Kind, Result};
use crate::pg::value::Time;
use crate::pg::{lock, Oid};
use crate::vault;

/// One config variable of an app.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// The app.
    pub app: String,
    /// The variable, such as `DATABASE_URL`.
    pub config_var: String,
    /// The role of the credential whose URL it holds.
    pub role: Oid,
    /// The endpoint that the URL leads to.
    pub endpoint: String,
    /// When it was attached.
    pub attached_at: Time,
}

impl Attachment {
    /// In one word, as Heroku writes it: `shop::DATABASE_URL`.
    pub fn word(&self) -> String {
        app::attached_as(&self.app, &self.config_var)
    }
}

/// Attaches a credential, whose lock is held, and gives the variable: `variable`, or one that the app has free.
///
/// # Errors
/// `Kind::NotReady` where its password is not stored or does not open, so that no URL could be told;
/// `Kind::NotFound` for an endpoint that is not there; `Kind::Exists` where the app has the variable.
pub fn attach(
    credential: &Credential,
    to: &str,
    variable: Option<String>,
    endpoint: &str,
) -> Result<String> {
    require_password(credential)?;
    lock::app(to)?;
    lock::endpoint_shared(endpoint)?;
    endpoint::find(endpoint)?;
    let taken: Vec<String> = of_app(to)?.into_iter().map(|a| a.config_var).collect();
    let variable = variable.unwrap_or_else(|| app::free_variable(&taken));
    if taken.contains(&variable) {
        return Err(Kind::Exists
            .error(format!(
                "app \"{}\" has a config variable {variable}",
                shown(to)
            ))
            .hint(format!(
                "Choose another as_name, or: SELECT * FROM credentials.detach('{variable}', '{}');",
                shown(to)
            )));
    }
    store::insert(to, &variable, credential.role, endpoint)?;
    Ok(variable)
}

/// Refuses a credential whose URL could not be told (55000).
fn require_password(credential: &Credential) -> Result<()> {
    if !vault::stores_passwords() {
        return Err(plan::needs_key_file());
    }
    vault::get(credential)?
        .map(|_| ())
        .ok_or_else(|| vault::not_stored(credential))
}

/// Takes a variable, written with or without `_URL`, from an app and gives what it was. That the app had the
/// credential is remembered.
///
/// # Errors
/// `Kind::NotFound` where the app has no such variable.
pub fn detach(written: &str, from: &str) -> Result<Attachment> {
    lock::app(from)?;
    let found = find(written, from)?;
    store::delete(from, &found.config_var)?;
    store::note_former(found.role, from)?;
    Ok(found)
}

/// The attachment that a person means by a variable written with or without `_URL`.
///
/// # Errors
/// `Kind::NotFound` where the app has no such variable.
pub fn find(written: &str, of: &str) -> Result<Attachment> {
    let mut there = of_app(of)?;
    let place = app::meant(written)
        .iter()
        .find_map(|meant| there.iter().position(|a| a.config_var == *meant));
    match place {
        Some(place) => Ok(there.swap_remove(place)),
        None => Err(unknown(written, of)),
    }
}

fn unknown(written: &str, of: &str) -> Error {
    Kind::NotFound
        .error(format!(
            "app \"{}\" has no config variable \"{}\"",
            shown(of),
            shown(written)
        ))
        .hint(format!(
            "SELECT * FROM credentials.attachments('{}');",
            shown(of)
        ))
}

/// What there is to attach, and what is attached.
pub fn stock() -> Result<plan::Stock> {
    let credentials = catalog::all()?;
    let name_of = |role: Oid| credentials.iter().find(|c| c.role == role);
    let variables = all()?.into_iter().filter_map(|a| {
        let held = plan::Held {
            credential: name_of(a.role)?.name.clone(),
            endpoint: a.endpoint,
        };
        let variable = plan::Variable {
            app: a.app,
            config_var: a.config_var,
        };
        Some((variable, held))
    });
    let untold = credentials.iter().filter(|c| c.secret.is_none());
    Ok(plan::Stock {
        variables: variables.collect(),
        endpoints: endpoint::all()?.into_iter().map(|(name, _)| name).collect(),
        untold: untold.map(|c| c.name.clone()).collect(),
        stores: vault::stores_passwords(),
    })
}

/// Brings one variable about, as [`plan::plan`] found it: what somebody has changed meanwhile is found again.
pub fn apply(credential: &Credential, step: &plan::Step) -> Result<()> {
    let variable = &step.variable;
    if step.before.is_some() {
        detach(&variable.config_var, &variable.app)?;
    }
    let named = Some(variable.config_var.clone());
    attach(credential, &variable.app, named, &step.after.endpoint).map(|_| ())
}

/// The apps that have a role's credential, each once.
pub fn apps_of(role: Oid) -> Result<Vec<String>> {
    let mut apps: Vec<String> = of_role(role)?.into_iter().map(|a| a.app).collect();
    apps.dedup();
    Ok(apps)
}

/// Refuses a credential that apps have (55006), and names them.
pub fn refuse_attached(credential: &Credential) -> Result<()> {
    /// Attachments that an error names.
    const NAMED: usize = 5;
    let there = of_role(credential.role)?;
    let Some(first) = there.first() else {
        return Ok(());
    };
    let named: Vec<String> = there.iter().take(NAMED).map(Attachment::word).collect();
    let more = match there.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    Err(Kind::InUse
        .error(format!(
            "credential \"{}\" is attached",
            shown(&credential.name)
        ))
        .detail(format!("Apps have it: {}{more}.", named.join(", ")))
        .hint(format!(
            "SELECT * FROM credentials.detach('{}', '{}');",
            first.config_var, first.app
        )))
}
