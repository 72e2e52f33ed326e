//! `repair_default`: default owns again what credentials, superusers and vanished roles own, and is and has what it
//! must; what is not its business stays.

mod crash;
mod cycles;
mod everything;
mod options;
mod staying;

use postgres::Client;

use crate::estate;

/// Takes a role away behind the server's back, as a damaged cluster has it: its objects keep its OID.
#[track_caller]
fn vanish(su: &mut Client, role: &str) {
    estate::run(
        su,
        &format!("SET allow_system_table_mods = on; DELETE FROM pg_authid WHERE rolname = '{role}'; RESET allow_system_table_mods"),
    );
}

/// The versions of all rows of the catalogs that a repair may write: nothing was written where they are the same.
fn versions(su: &mut Client) -> Vec<String> {
    let catalogs = [
        "pg_class",
        "pg_proc",
        "pg_type",
        "pg_auth_members",
        "pg_authid",
        "pg_database",
        "pg_namespace",
        "pg_operator",
        "pg_opclass",
        "pg_opfamily",
        "pg_collation",
        "pg_conversion",
        "pg_ts_config",
        "pg_ts_dict",
        "pg_statistic_ext",
        "pg_largeobject_metadata",
        "pg_foreign_server",
        "pg_publication",
        "pg_extension",
        "pg_language",
        "pg_default_acl",
        "pg_shdepend",
        "pg_attribute",
    ];
    catalogs
        .iter()
        .map(|catalog| {
            let sql = format!("SELECT md5(string_agg(ctid::text || xmin::text, ',' ORDER BY ctid)) FROM {catalog}");
            format!("{catalog} {}", estate::texts(su, &sql).concat())
        })
        .collect()
}
