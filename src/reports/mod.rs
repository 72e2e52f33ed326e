//! Who may do what with which table and schema, and why: catalogs read once, nothing changed.
//!
//! [`closure`] knows who has whose rights, [`expand`] what an access list comes to; both are pure.
//! [`privileges`] puts the rows of the reports together, [`reading`] tells who can do nothing but read.
//! [`why`] tells the ways ([`reason`]) by which a role comes to a privilege on what a caller names
//! ([`wording`], [`object`]), and what filters its rows ([`policy`]).

pub mod api;
mod closure;
mod expand;
mod object;
mod policy;
mod privileges;
mod reading;
mod reason;
mod why;
mod wording;

pub use reading::read_only;

use crate::error::Result;
use crate::pg::census;
use closure::Roles;

/// The roles and memberships of the cluster.
fn roles() -> Result<Roles> {
    Ok(Roles::new(census::roles()?, &census::memberships()?))
}
