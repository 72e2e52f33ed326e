//! From one flat role, which owned and did everything, to the credentials of a spec: stage by stage, each of
//! them reversible, while the flat role goes on working. What the spec says by itself is done by the rooms that do
//! such things; here is what comes on top ([`step`]), how far it is ([`store`]) and the way back.

pub mod back;
mod role;
pub mod stage;
pub mod step;
mod store;

pub use role::{find, Flat};
pub use stage::{Part, Stage};
pub use step::Step;
pub use store::Record;

use crate::error::{shown, Kind, Result};
use crate::permissions::{self, defaults, group, member, GroupKind};
use crate::pg::authority::Caller;
use crate::pg::owner::{self, Class};
use crate::pg::{ident, log, Oid};

/// Reads which groups of schemas the flat role's default privileges name.
fn defaults_of(flat: &mut Flat) -> Result<()> {
    for group in group::all()?.iter().filter(|g| carries(g)) {
        match defaults::extent(flat.role, group)? {
            defaults::Extent::None => {}
            defaults::Extent::Part => {
                flat.partly.insert(group.role_name.clone());
            }
            defaults::Extent::Whole => {
                flat.defaults.insert(group.role_name.clone());
            }
        }
    }
    Ok(())
}

/// Whether default privileges name a group: those of a schema that read or write.
fn carries(group: &permissions::Group) -> bool {
    group.scope != group::EVERY_SCHEMA && group.kind != GroupKind::Owner && group.is_bound()
}

/// Does one step. The record of the flat role is written once at the end, by [`note`].
pub fn apply(caller: &Caller, flat: &Flat, step: &Step) -> Result<()> {
    match step {
        Step::Stage { stage, .. } => tell(*stage),
        Step::Keep { group, .. } => member::join(&called(group)?, flat.role, &flat.role_name)?,
        Step::Defaults { schema, give, .. } => in_schema(flat, schema, *give)?,
        Step::Return {
            schema,
            owner,
            group,
            ..
        } => back::schema(caller, flat, schema, owner, &called(group)?)?,
    }
    Ok(())
}

/// Default privileges of the flat role in a schema, for each group there.
fn in_schema(flat: &Flat, schema: &str, give: bool) -> Result<()> {
    let schema = schema_named(schema)?;
    for group in group::on_schema(schema)?.iter().filter(|g| carries(g)) {
        match give {
            true => defaults::write(flat.role, &flat.role_name, group)?,
            false => defaults::forget(flat.role, &flat.role_name, group)?,
        }
    }
    Ok(())
}

fn schema_named(name: &str) -> Result<Oid> {
    crate::pg::schema::oid(name).ok_or_else(|| {
        Kind::NoSchema
            .error(format!("schema \"{}\" does not exist", shown(name)))
            .hint("Call again.")
    })
}

/// A managed group by its role's name.
fn called(name: &str) -> Result<permissions::Group> {
    let found = match ident::role_oid(name) {
        Some(role) => group::by_role(role)?,
        None => None,
    };
    found.ok_or_else(|| {
        Kind::NotFound
            .error(format!("group \"{}\" is not there", shown(name)))
            .hint("Call again.")
    })
}

/// Who owns a schema, by name.
pub fn owner_of(schema: &str) -> Option<Oid> {
    owner::of(Class::Schema, crate::pg::schema::oid(schema)?)
}

/// Writes down how far the flat role is: the stage, what was made, and who owned the schemas that groups took.
pub fn note(flat: &Flat, stage: Stage, made: &[Oid], taken: &[(String, Oid)]) -> Result<()> {
    let mut record = flat.record.clone().unwrap_or(Record {
        stage,
        made: Vec::new(),
        owners: Default::default(),
    });
    record.stage = stage;
    record.made.retain(|role| ident::role_name(*role).is_some());
    record.made.extend(made);
    record
        .owners
        .retain(|group, _| ident::role_name(Oid::from(*group)).is_some());
    for (group, former) in taken {
        record.owners.insert(called(group)?.role.to_u32(), *former);
    }
    store::put(flat.role, &flat.role_name, &record)
}

/// What a person needs next.
fn tell(stage: Stage) {
    match stage.next() {
        Some(next) => log::notice(&format!(
            "the next stage is {}: apply the spec with it when the app has been seen to work",
            next.as_str()
        )),
        None => log::notice(
            "the new credentials can log in: give the app its new URL, see SELECT name FROM credentials.list()",
        ),
    }
}
