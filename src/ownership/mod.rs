//! stub
#![allow(missing_docs)]
use crate::error::Result;
use crate::pg::value::Value;
use crate::pg::Oid;
pub enum Scope {
    Role {
        from: Oid,
        to: Oid,
    },
    Repair {
        to: Oid,
        managed: Vec<Oid>,
        include_unmanaged: bool,
        keep_access: bool,
    },
}
pub enum Action {
    Move,
}
impl Action {
    pub fn as_str(&self) -> &'static str {
        "move"
    }
}
pub struct Item {
    pub database: String,
    pub kind: String,
    pub object: String,
    pub action: Action,
    pub note: String,
}
pub struct Pass;
pub struct Batch {
    pub reports: Vec<Item>,
    pub busy: Vec<Item>,
    pub finished: bool,
    pub pause_ms: i64,
}
impl Pass {
    pub fn begin(_s: &Scope) -> Result<Pass> {
        Ok(Pass)
    }
    pub fn done(&self) -> u64 {
        0
    }
    pub fn total(&self) -> u64 {
        0
    }
    pub fn blocked(&self) -> &[Item] {
        &[]
    }
    pub fn batch(&mut self, _n: i32, _t: i32) -> Result<Batch> {
        Ok(Batch {
            reports: vec![],
            busy: vec![],
            finished: true,
            pause_ms: 1,
        })
    }
}
pub enum Closed {
    Done(Vec<Item>),
    ObjectsLeft(u64),
}
pub fn close_database(_r: Oid, _t: Oid) -> Result<Closed> {
    Ok(Closed::Done(vec![]))
}
pub fn elsewhere(_r: Oid) -> Result<Vec<(Oid, String, i64)>> {
    Ok(vec![])
}
pub fn blockers(_r: Oid) -> Result<Vec<Item>> {
    Ok(vec![])
}
pub fn plan(_s: &Scope) -> Result<Vec<Item>> {
    Ok(vec![])
}
pub fn rows(_i: &[Item]) -> Vec<Vec<Value>> {
    vec![]
}
