//! The catalog of credentials: which roles are managed, under which names, in which state.

pub mod api;
mod followed;
pub mod home;
pub mod state;
mod store;
pub mod twin;

pub use followed::{followed, Followed, FollowedTwin};
pub use state::State;
pub use store::{
    all, by_role, count, cut, delete, find_folded, insert, set_deputy, set_last_login, set_lease,
    set_role_name, set_rotated, set_secret, set_state,
};
pub use twin::{Phase, Twin};

use crate::core::name;
use crate::error::{shown, Error, Kind, Result};
use crate::events::{self, Actor};
use crate::pg::call::Call;
use crate::pg::value::{Time, Value};
use crate::pg::{ident, Oid};

/// No credential's name is longer: what adopt and setup take is 54 bytes at most.
const LONGEST: usize = 54;

/// One managed login role.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The role's OID: its identity.
    pub role: Oid,
    /// The credential's name; `default` for the default credential.
    pub name: String,
    /// The role's name as it was bound.
    pub role_name: String,
    /// The state that is stored.
    pub state: State,
    /// The row of the secret table that holds the password in force.
    pub secret: Option<i64>,
    /// When it ends by itself, where it is a lease.
    pub lease_until: Option<Time>,
    /// When it was made or adopted.
    pub created_at: Time,
    /// When its password was last changed through us.
    pub rotated_at: Option<Time>,
    /// The latest login that was seen.
    pub last_login_at: Option<Time>,
}

impl Credential {
    /// Whether this is the default credential.
    pub fn is_default(&self) -> bool {
        self.name == name::DEFAULT
    }

    /// The twin's name while a rotation runs.
    pub fn twin_name(&self) -> String {
        name::twin_of(&self.role_name)
    }

    /// The role name that a client is told to log in with.
    pub fn username(&self) -> String {
        match self.state {
            State::Rotating => self.twin_name(),
            _ => self.role_name.clone(),
        }
    }

    /// Name, username and state: how most results begin.
    pub fn identity(&self, state: State) -> Vec<Value> {
        vec![
            self.name.as_str().into(),
            self.username().into(),
            state.as_str().into(),
        ]
    }

    /// Records what a call did to this credential; `detail` must not hold a secret.
    pub fn record(&self, call: &Call, detail: serde_json::Value) -> Result<()> {
        let (name, role) = (Some(self.name.as_str()), Some(self.role));
        let actor = Actor::Caller(&call.caller);
        events::record(actor, call.function(), name, role, detail)
    }

    /// Whether role OID and role name still agree (THREATS T14: a name is not an identity).
    pub fn is_bound(&self) -> bool {
        ident::role_name(self.role).as_deref() == Some(self.role_name.as_str())
    }
}

/// The credential that a caller named as a target: looked up and not judged. What no credential
/// bears is 42704, absent or unmanaged alike, reserved or malformed or not.
pub fn target(raw: &str) -> Result<Credential> {
    find(raw)?.ok_or_else(|| unknown(raw))
}

/// The same, where there is one.
pub fn find(raw: &str) -> Result<Option<Credential>> {
    // A name longer than any credential's is not sent to the server at all.
    if raw.len() > LONGEST || raw.contains('\0') {
        Ok(None)
    } else if name::is_default_target(raw) {
        store::find(name::DEFAULT)
    } else {
        store::find(raw)
    }
}

/// The default credential; 55000 before setup.
pub fn default_credential() -> Result<Credential> {
    store::find(name::DEFAULT)?.ok_or_else(|| {
        Kind::NotReady
            .error("credential_manager is not set up in this database")
            .detail("There is no default credential yet.")
            .hint("As a superuser: SELECT * FROM credentials.setup();")
    })
}

/// The default credential's role, where there is one.
pub fn default_role() -> Result<Option<Oid>> {
    Ok(store::find(name::DEFAULT)?.map(|default| default.role))
}

/// The error for a name that no credential bears.
pub fn unknown(raw: &str) -> Error {
    Kind::NotFound
        .error(format!("credential \"{}\" does not exist", shown(raw)))
        .hint("SELECT * FROM credentials.list();")
}

/// The same credential after its lock was had: by OID, as it is now.
pub fn reread(credential: &Credential) -> Result<Credential> {
    store::by_role(credential.role)?.ok_or_else(|| unknown(&credential.name))
}
