//! SQL functions of this room.

use crate::error::{Kind, Result};
use crate::pg::call::{Answer, Call};

/// `credentials.add_collaborator`.
pub fn add_collaborator(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("add_collaborator is not built yet"))
}

/// `credentials.update_collaborator`.
pub fn update_collaborator(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("update_collaborator is not built yet"))
}

/// `credentials.remove_collaborator`.
pub fn remove_collaborator(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("remove_collaborator is not built yet"))
}

/// `credentials.collaborators`.
pub fn collaborators(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("collaborators is not built yet"))
}
