//! What must hold after every test, whatever it did: asked of the catalogs, the log and the files.
//!
//! The queries know the extension's tables; a change of those tables is answered here and nowhere else.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use postgres::Client;

use super::cluster::Cluster;
use super::hostile;

/// Each query returns the violations as one text a row, and runs where the extension is created.
const OF_THE_EXTENSION: [&str; 9] = [
    // No rotating twin that nobody will remove, and no row of one that is not there.
    "SELECT format('role %s is a twin of nobody', r.rolname)
       FROM pg_authid r JOIN credentials.credential c ON c.role_name || '-rotating' = r.rolname
      WHERE NOT EXISTS (SELECT FROM credentials.twin t WHERE t.twin = r.oid AND t.role = c.role)",
    "SELECT format('the twin of role %s is in its phase %s without a role', t.role, t.phase)
       FROM credentials.twin t
      WHERE NOT EXISTS (SELECT FROM pg_authid r WHERE r.oid = t.twin)
         OR NOT EXISTS (SELECT FROM credentials.credential c WHERE c.role = t.role)",
    // The two tell the same of how far a rotation is.
    "SELECT format('credential %s is %s, its twin %s', c.name, c.state, coalesce(t.phase, 'not there'))
       FROM credentials.credential c LEFT JOIN credentials.twin t ON t.role = c.role
      WHERE (c.state = 'rotating') IS DISTINCT FROM coalesce(t.phase = 'draining', false)
         OR (c.state = 'lingering') IS DISTINCT FROM coalesce(t.phase IN ('lingering', 'retiring'), false)",
    // No rotation that nothing carries on.
    "SELECT format('credential %s is rotating without a job', c.name)
       FROM credentials.credential c
      WHERE c.state = 'rotating'
        AND NOT EXISTS (SELECT FROM credentials.job j
                         WHERE j.role = c.role AND j.state IN ('queued', 'running', 'waiting', 'blocked'))",
    // The role's OID is the identity, and its name agrees.
    "SELECT format('credential %s is %s, its row says role %s (%s), the server says %s',
                   c.name, c.state, c.role_name, c.role, coalesce(r.rolname::text, 'nothing'))
       FROM credentials.credential c LEFT JOIN pg_authid r ON r.oid = c.role
      WHERE c.state NOT IN ('orphaned', 'foreign') AND r.rolname IS DISTINCT FROM c.role_name::name",
    // A managed role, twin included, has none of the attributes that lead out of its cage.
    "SELECT format('managed role %s has an attribute that no credential may have', r.rolname)
       FROM credentials.credential c
       JOIN pg_authid r ON r.oid = c.role OR r.rolname = c.role_name || '-rotating'
      WHERE c.state NOT IN ('orphaned', 'foreign')
        AND (r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls)",
    // Our tables, their columns and our schema's CREATE belong to superusers alone.
    "SELECT format('%s may %s on credentials.%s', coalesce(g.rolname::text, 'PUBLIC'), a.privilege_type, c.relname)
       FROM pg_class c
       CROSS JOIN LATERAL (
            SELECT * FROM aclexplode(c.relacl)
            UNION ALL
            SELECT x.* FROM pg_attribute t, aclexplode(t.attacl) x WHERE t.attrelid = c.oid) a
       LEFT JOIN pg_authid g ON g.oid = a.grantee
      WHERE c.relnamespace = 'credentials'::regnamespace AND g.rolsuper IS NOT TRUE",
    "SELECT format('%s may create in schema credentials', coalesce(g.rolname::text, 'PUBLIC'))
       FROM pg_namespace n, aclexplode(n.nspacl) a
       LEFT JOIN pg_authid g ON g.oid = a.grantee
      WHERE n.nspname = 'credentials' AND g.rolsuper IS NOT TRUE AND a.privilege_type = 'CREATE'",
    // No function for PUBLIC.
    "SELECT format('PUBLIC may execute %s', p.oid::regprocedure)
       FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
      WHERE p.pronamespace = 'credentials'::regnamespace AND a.grantee = 0",
];

/// Superusers but for the bootstrap one.
const SUPERUSERS: &str = "SELECT rolname::text FROM pg_authid WHERE rolsuper AND oid <> 10";

/// Verifiers that the server holds now.
const VERIFIERS: &str =
    "SELECT rolpassword FROM pg_authid WHERE rolpassword LIKE 'SCRAM-SHA-256$%'";

/// All that must hold and does not, a sentence each. Of a stopped server the log and files alone are asked.
pub fn violations(cluster: &Cluster) -> Vec<String> {
    let mut found = Vec::new();
    let mut not_in_log = Vec::new();
    if cluster.is_running() {
        let mut client = cluster.superuser("app");
        // A secret may still be in memory alone; a standby has no checkpoint to order.
        let _ = client.batch_execute("CHECKPOINT");
        not_in_log = texts(&mut client, VERIFIERS);
        found.extend(catalog_violations(cluster, &mut client));
    }
    let secrets = cluster.shared().secrets.clone();
    not_in_log.extend(secrets.iter().cloned());
    let log = cluster.log();
    for secret in not_in_log.iter().filter(|secret| log.contains(*secret)) {
        found.push(format!("the server log holds a secret ({})", shown(secret)));
    }
    for file in files_with(&cluster.data_dir(), &secrets) {
        found.push(format!("a secret stands in {file}"));
    }
    found.extend(hostile::sprung(&log));
    found
}

fn catalog_violations(cluster: &Cluster, client: &mut Client) -> Vec<String> {
    let allowed = cluster.shared().superusers.clone();
    let mut found: Vec<String> = texts(client, SUPERUSERS)
        .into_iter()
        .filter(|role| !allowed.contains(role))
        .map(|role| format!("{role} is a superuser and no test declared it"))
        .collect();
    let there = "SELECT 'yes' FROM pg_extension WHERE extname = 'credential_manager'";
    if !texts(client, there).is_empty() {
        for query in OF_THE_EXTENSION {
            found.extend(texts(client, query));
        }
    }
    found
}

/// The first column of all rows; a query that fails is a violation of its own kind and told as such.
fn texts(client: &mut Client, query: &str) -> Vec<String> {
    match client.query(query, &[]) {
        Ok(rows) => rows.iter().map(|row| row.get(0)).collect(),
        Err(error) => vec![format!("an invariant could not be asked: {error}: {query}")],
    }
}

/// Enough of a secret to find it again in a failing test's output.
fn shown(secret: &str) -> String {
    secret.chars().take(24).chain("…".chars()).collect()
}

/// The files below `folder` that hold one of `secrets`, as bytes.
fn files_with(folder: &Path, secrets: &[String]) -> Vec<String> {
    if secrets.is_empty() {
        return Vec::new();
    }
    let mut grep = Command::new("grep")
        .args(["-rlaF", "-f", "-"])
        .arg(folder)
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("to start grep");
    let mut patterns = grep.stdin.take().expect("a pipe to grep");
    patterns
        .write_all(secrets.join("\n").as_bytes())
        .expect("to give grep its patterns");
    drop(patterns);
    let output = grep.wait_with_output().expect("the output of grep");
    // Exit code 2 says that a file went away while it looked; what it found stands all the same.
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect()
}
