//! Whether a credential can log in: suspended, and opened again.

use crate::catalog::{self, Credential, State};
use crate::error::Result;
use crate::jobs::{self, Order, Stage};
use crate::pg::role::{self, Options};
use crate::pg::{xact, Oid};
use crate::rotation::{self, Applied};

/// Closes every username of a credential, and orders the end of its sessions for whoever asked (`by`).
pub fn suspend(credential: &Credential, by: Oid) -> Result<Applied> {
    let applied = rotation::attempt(credential, rotation::shut)?;
    let (role, name) = (credential.role, &credential.name);
    let mut order = Order::new(jobs::Kind::Suspend, role, name, Stage::Apply);
    if applied == Applied::AtCommit {
        catalog::set_state(role, State::Suspended)?;
        order.stage = Stage::EndSessions;
    }
    order.place(by)?;
    Ok(applied)
}

/// Opens a suspended credential, and calls off what suspensions have yet to do: one that waits for its role would
/// close it again, and one that ends sessions would end those that come now. Its lock is held.
pub fn resume(credential: &Credential) -> Result<()> {
    jobs::call_off_suspensions(credential.role)?;
    if credential.state != State::Suspended {
        return Ok(());
    }
    let options = Options {
        login: Some(true),
        ..Options::default()
    };
    xact::subtransaction(|| role::alter(credential.role, &credential.role_name, &options))
        .map_err(|caught| rotation::held(&caught, credential))??;
    catalog::set_state(credential.role, State::Active)
}
