//! All that hangs on a role but its password, as sorted text: of the whole cluster and of every database in it.

use postgres::Client;

use crate::harness::Cluster;
use crate::scene::column;

/// What is the same whichever database is asked. `$R` is the role's OID.
const SHARED: [&str; 8] = [
    "SELECT 'role ' || (to_jsonb(a) - 'rolpassword')::text FROM pg_authid a WHERE a.oid = $R",
    "SELECT 'membership ' || (to_jsonb(m) - 'oid')::text FROM pg_auth_members m WHERE $R IN (m.roleid, m.member, m.grantor)
        AND m.member NOT IN (SELECT twin FROM credentials.twin)",
    // Byte for byte, and in their order.
    "SELECT 'setting ' || coalesce(d.datname, 'all') || ' ' || encode(convert_to(array_to_string(s.setconfig, '#'), 'UTF8'), 'hex')
       FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase WHERE s.setrole = $R",
    "SELECT 'depends ' || d::text FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = $R",
    "SELECT 'comment ' || d::text FROM pg_shdescription d WHERE d.classoid = 'pg_authid'::regclass AND d.objoid = $R",
    "SELECT 'label ' || l::text FROM pg_shseclabel l WHERE l.classoid = 'pg_authid'::regclass AND l.objoid = $R",
    "SELECT 'database ' || d.datname || ' ' || d.datdba || ' ' || coalesce(d.datacl::text, '') FROM pg_database d",
    "SELECT 'parameter ' || p.parname || ' ' || coalesce(p.paracl::text, '') FROM pg_parameter_acl p",
];

/// Every column of a database's own catalogs that holds an ACL or the OID of a role, each with the query that finds
/// what of it names `$R`: nothing depends on a list that somebody wrote.
const COLUMNS: &str = "
    SELECT CASE
        WHEN a.atttypid = 'aclitem[]'::regtype THEN format(
          'SELECT ''%1$s.%2$s '' || (to_jsonb(x) - %3$L::text[])::text || x.%2$I::text FROM pg_catalog.%1$I x
            WHERE EXISTS (SELECT FROM aclexplode(x.%2$I) e WHERE $R IN (e.grantee, e.grantor))', c.relname, a.attname, drifting)
        WHEN a.attname = 'polroles' THEN format(
          'SELECT ''%1$s '' || to_jsonb(x)::text FROM pg_catalog.%1$I x WHERE $R = ANY (x.%2$I)', c.relname, a.attname)
        ELSE format(
          'SELECT ''%1$s.%2$s '' || (to_jsonb(x) - %3$L::text[])::text FROM pg_catalog.%1$I x WHERE x.%2$I = $R', c.relname, a.attname, drifting)
      END
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid,
           (VALUES ('{reltuples,relpages,relfrozenxid,relminmxid,relallvisible,relhasindex}'::text[])) d(drifting)
     WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND NOT c.relisshared AND a.attnum > 0
       AND (a.atttypid = 'aclitem[]'::regtype OR a.attname IN ('defaclrole', 'umuser', 'polroles')
            OR (a.attname ~ 'owner$' AND a.atttypid = 'oid'::regtype))";

/// The role's snapshot; equal ones mean that nothing was lost and nothing added.
#[track_caller]
pub fn of(cluster: &Cluster, role: &str) -> Vec<String> {
    let mut home = cluster.superuser("app");
    let oid = column(
        &mut home,
        &format!(
            "SELECT oid FROM pg_authid WHERE rolname = '{}'",
            role.replace('\'', "''")
        ),
    );
    let oid = oid.first().expect("the role is there");
    let mut lines: Vec<String> = SHARED
        .iter()
        .flat_map(|sql| column(&mut home, &sql.replace("$R", oid)))
        .collect();
    let databases = column(
        &mut home,
        "SELECT datname FROM pg_database WHERE datallowconn AND datname <> 'template1'",
    );
    for database in databases {
        lines.extend(local(&mut cluster.superuser(&database), &database, oid));
    }
    lines.sort();
    lines
}

fn local(client: &mut Client, database: &str, oid: &str) -> Vec<String> {
    let queries = column(client, COLUMNS);
    assert!(queries.len() > 30, "too few columns: {queries:?}");
    let all = queries.join(" UNION ALL ").replace("$R", oid);
    column(client, &all)
        .into_iter()
        .map(|line| format!("{database}: {line}"))
        .collect()
}

/// Asserts that two snapshots are equal, and tells only where they are not.
#[track_caller]
pub fn same(before: &[String], after: &[String]) {
    let lost: Vec<&String> = before.iter().filter(|line| !after.contains(line)).collect();
    let new: Vec<&String> = after.iter().filter(|line| !before.contains(line)).collect();
    assert!(
        lost.is_empty() && new.is_empty(),
        "lost: {lost:#?}\nnew: {new:#?}"
    );
    assert_eq!(before, after);
}
