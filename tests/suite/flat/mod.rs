//! From one flat role to four: stage by stage and back, while the app works on as the flat role.

mod back;
mod closing;
mod kinds;
mod moving;
mod observed;
mod observing;
mod refused;
mod retire;
mod stages;

use postgres::Client;

use crate::scene::{ask, column, run, Scene};

/// The stages at which the app works as its flat role.
const STAGES: [&str; 5] = ["prepare", "grant", "default_privileges", "login", "observe"];

/// The four roles of an app in the schema `shop`, on the way from a role.
#[track_caller]
fn spec(client: &mut Client, role: &str, stage: &str) -> String {
    ask(
        client,
        &format!(
            "SELECT credentials.layout('four_roles', 'shop') || jsonb_build_object('from',
                    jsonb_build_object('role', $${role}$$, 'stage', '{stage}'))"
        ),
    )
}

/// The statements that applying a stage as this client ran.
#[track_caller]
fn apply(client: &mut Client, role: &str, stage: &str) -> Vec<String> {
    let spec = spec(client, role, stage);
    let sql = format!("SELECT statement FROM credentials.apply($spec${spec}$spec$)");
    column(client, &sql)
}

#[track_caller]
fn plan(client: &mut Client, role: &str, stage: &str) -> Vec<String> {
    let spec = spec(client, role, stage);
    let sql = format!("SELECT statement FROM credentials.plan($spec${spec}$spec$)");
    column(client, &sql)
}

/// What the app's flat role makes when it is first used: everything is its own.
const MADE: &str = "CREATE TABLE shop.orders (id serial PRIMARY KEY, word text);
    CREATE VIEW shop.seen AS SELECT word FROM shop.orders;
    CREATE FUNCTION shop.twice(i int) RETURNS int LANGUAGE sql AS 'SELECT 2 * i'";

/// What the app does all day as its flat role, a migration included.
#[track_caller]
fn works(app: &mut Client) {
    run(
        app,
        "INSERT INTO shop.orders (word) VALUES ('x'); UPDATE shop.orders SET word = 'y';
         SELECT * FROM shop.seen; SELECT shop.twice(2); DELETE FROM shop.orders WHERE id < 0;
         ALTER TABLE shop.orders ADD COLUMN extra int; ALTER TABLE shop.orders DROP COLUMN extra;
         CREATE TABLE shop.more (i int); INSERT INTO shop.more VALUES (1); DROP TABLE shop.more",
    );
}

/// A flat set-up: an unmanaged role that owns a schema and all that is in it. A session of it.
fn flat(scene: &mut Scene) -> Client {
    let mut shop = scene.stranger("shop", "");
    run(&mut scene.su, "CREATE SCHEMA shop AUTHORIZATION shop");
    run(&mut shop, MADE);
    works(&mut shop);
    shop
}

/// The owners of the schema `shop` and of what is in it, each once.
#[track_caller]
fn owners(su: &mut Client) -> Vec<String> {
    column(
        su,
        "SELECT DISTINCT o::regrole::text FROM (
           SELECT nspowner FROM pg_namespace WHERE nspname = 'shop'
           UNION ALL SELECT relowner FROM pg_class WHERE relnamespace = 'shop'::regnamespace
           UNION ALL SELECT proowner FROM pg_proc WHERE pronamespace = 'shop'::regnamespace) x (o) ORDER BY 1",
    )
}

/// Everything about roles, rights and owners that a stage changes, but for the numbers of rows.
#[track_caller]
fn picture(su: &mut Client) -> String {
    ask(
        su,
        "SELECT concat_ws(E'\\n',
           (SELECT string_agg(concat_ws(' ', rolname, rolcanlogin), ',' ORDER BY rolname) FROM pg_roles),
           (SELECT string_agg(concat_ws(' ', roleid::regrole, member::regrole, admin_option), ',' ORDER BY roleid::regrole::text, member::regrole::text) FROM pg_auth_members),
           (SELECT string_agg(concat_ws(' ', nspname, nspowner::regrole, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(nspacl) a)), ',' ORDER BY nspname) FROM pg_namespace WHERE nspname IN ('shop', 'public')),
           (SELECT string_agg(concat_ws(' ', relname, relowner::regrole, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(relacl) a)), ',' ORDER BY relname) FROM pg_class WHERE relnamespace = 'shop'::regnamespace),
           (SELECT string_agg(concat_ws(' ', proname, proowner::regrole, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(proacl) a)), ',' ORDER BY proname) FROM pg_proc WHERE pronamespace = 'shop'::regnamespace),
           (SELECT string_agg(concat_ws(' ', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(defaclacl) a)), ',' ORDER BY 1) FROM (SELECT defaclrole, defaclnamespace, defaclobjtype, defaclacl FROM pg_default_acl ORDER BY defaclrole::regrole::text, defaclnamespace, defaclobjtype) d),
           (SELECT string_agg(concat_ws(' ', name, state), ',' ORDER BY name) FROM credentials.credential))",
    )
}

/// Asserts that applying a stage again writes nothing.
#[track_caller]
fn writes_nothing(client: &mut Client, role: &str, stage: &str) {
    assert_eq!(plan(client, role, stage), [""; 0], "{stage}");
    let spec = spec(client, role, stage);
    run(client, "BEGIN");
    let sql = format!("SELECT statement FROM credentials.apply($spec${spec}$spec$)");
    assert_eq!(column(client, &sql), [""; 0], "{stage}");
    let wrote = "SELECT coalesce(pg_current_xact_id_if_assigned()::text, 'nothing')";
    assert_eq!(ask(client, wrote), "nothing", "{stage}");
    run(client, "COMMIT");
}

/// Whether every case is to be tried, and not only a sample.
fn is_long() -> bool {
    std::env::var_os("CREDENTIAL_MANAGER_LONG").is_some()
}
