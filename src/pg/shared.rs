//! Shared catalogs for the launcher, which is connected to no database.
//!
//! It reads them by plain scans, as autovacuum's launcher does (autovacuum.c, get_database_list): an
//! index may not be usable before some backend has connected to a database.

use super::Oid;
use pgrx::pg_sys;
use std::ffi::CStr;

/// The OID of a database by name. Inside a transaction.
pub fn database_oid(name: &str) -> Option<Oid> {
    scan(
        pg_sys::DatabaseRelationId,
        |form: &pg_sys::FormData_pg_database| {
            // SAFETY: a name column is NUL-terminated within its 64 bytes.
            let found = unsafe { CStr::from_ptr(form.datname.data.as_ptr()) };
            (found.to_bytes() == name.as_bytes()).then_some(form.oid)
        },
    )
}

/// Whether a role is a superuser; a role that is gone is none. Inside a transaction.
pub fn is_superuser(role: Oid) -> bool {
    let found = scan(
        pg_sys::AuthIdRelationId,
        |form: &pg_sys::FormData_pg_authid| (form.oid == role).then_some(form.rolsuper),
    );
    found == Some(true)
}

/// The first row of a shared catalog that `pick` takes.
fn scan<Form, T>(catalog: Oid, pick: impl Fn(&Form) -> Option<T>) -> Option<T> {
    // SAFETY: the relation is one of the nailed shared catalogs, whose rows begin with the fixed
    // columns of `Form`; each row is looked at while the scan stands on it.
    unsafe {
        let relation = pg_sys::table_open(catalog, pg_sys::AccessShareLock as i32);
        let scan = pg_sys::table_beginscan_catalog(relation, 0, std::ptr::null_mut());
        let mut found = None;
        loop {
            let row = pg_sys::heap_getnext(scan, pg_sys::ScanDirection::ForwardScanDirection);
            if row.is_null() {
                break;
            }
            let form = (*row)
                .t_data
                .cast::<u8>()
                .add((*(*row).t_data).t_hoff as usize);
            found = pick(&*form.cast::<Form>());
            if found.is_some() {
                break;
            }
        }
        if let Some(end) = (*(*(*scan).rs_rd).rd_tableam).scan_end {
            end(scan);
        }
        pg_sys::table_close(relation, pg_sys::AccessShareLock as i32);
        found
    }
}
