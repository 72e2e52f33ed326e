//! Collaborators: what each permission opens and nothing else, who gives it, and every way tried to have more.

mod at_once;
mod by_hand;
mod copies;
mod given;
mod giving;
mod keys;
mod matrix;
mod raising;
mod reaching;
mod seen;
mod waiting;

use postgres::Client;

use crate::scene::{column, run, Scene};

/// Two apps: `shop` has `web` as DATABASE_URL and default as OWNER_URL, `stock` has `depot`. `left` was shop's,
/// `gone` was stock's, `spare` nobody's.
fn two_apps() -> Scene {
    let mut scene = Scene::new();
    furnish(&mut scene);
    scene
}

fn furnish(scene: &mut Scene) {
    for name in ["web", "depot", "left", "gone", "spare"] {
        run(
            &mut scene.own,
            &format!("SELECT credentials.create('{name}')"),
        );
    }
    run(
        &mut scene.own,
        "SELECT credentials.attach('web', 'shop');
         SELECT credentials.attach('depot', 'stock');
         SELECT credentials.attach('left', 'shop');
         SELECT credentials.detach('POSTGRESQL_AMBER', 'shop');
         SELECT credentials.attach('gone', 'stock');
         SELECT credentials.detach('POSTGRESQL_AMBER', 'stock')",
    );
    run(
        &mut scene.su,
        "SELECT credentials.attach('default', 'shop', 'OWNER')",
    );
}

/// A role that may log in and has no right anywhere.
fn role(scene: &mut Scene, name: &str) {
    run(
        &mut scene.su,
        &format!("CREATE ROLE \"{name}\" LOGIN PASSWORD 'a-person-called-{name}'"),
    );
}

/// A session of such a role.
#[track_caller]
fn session(scene: &Scene, name: &str) -> Client {
    let password = format!("a-person-called-{name}");
    let login = scene.cluster.login(name, &password, "app");
    login.expect("a login of a collaborator")
}

/// A role with permissions on shop, and a session of it.
#[track_caller]
fn collaborator(scene: &mut Scene, name: &str, permissions: &str) -> Client {
    role(scene, name);
    add(scene, name, "shop", permissions);
    session(scene, name)
}

#[track_caller]
fn add(scene: &mut Scene, name: &str, app: &str, permissions: &str) {
    run(
        &mut scene.own,
        &format!("SELECT credentials.add_collaborator('{name}', '{app}', '{{{permissions}}}')"),
    );
}

#[track_caller]
fn update(scene: &mut Scene, name: &str, app: &str, permissions: &str) {
    run(
        &mut scene.own,
        &format!("SELECT credentials.update_collaborator('{name}', '{app}', '{{{permissions}}}')"),
    );
}

#[track_caller]
fn remove(scene: &mut Scene, name: &str, app: &str) {
    run(
        &mut scene.own,
        &format!("SELECT credentials.remove_collaborator('{name}', '{app}')"),
    );
}

/// Who has what, as default sees it: `app name {permissions}`.
#[track_caller]
fn listed(scene: &mut Scene) -> Vec<String> {
    column(
        &mut scene.own,
        "SELECT app || ' ' || collaborator || ' ' || permissions::text FROM credentials.collaborators()",
    )
}

/// Every right that a role has by name here: `CONNECT`, `USAGE` and functions.
#[track_caller]
fn rights(scene: &mut Scene, name: &str) -> Vec<String> {
    column(
        &mut scene.su,
        &format!(
            "SELECT w FROM (
               SELECT a.privilege_type, a.grantee FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = 'app'
               UNION ALL SELECT a.privilege_type, a.grantee FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = 'credentials'
               UNION ALL SELECT p.proname, a.grantee FROM pg_proc p, aclexplode(p.proacl) a WHERE p.pronamespace = 'credentials'::regnamespace
             ) r(w, grantee) WHERE grantee = '\"{name}\"'::regrole ORDER BY w COLLATE \"C\""
        ),
    )
}

/// Every access list that giving and taking may touch, and our rows.
#[track_caller]
fn everything(scene: &mut Scene) -> Vec<String> {
    column(
        &mut scene.su,
        "SELECT x FROM (
           SELECT 'd ' || a::text FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = 'app'
           UNION ALL SELECT 'n ' || a::text FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = 'credentials'
           UNION ALL SELECT p.proname || a::text FROM pg_proc p, aclexplode(p.proacl) a WHERE p.pronamespace = 'credentials'::regnamespace
           UNION ALL SELECT s::text FROM pg_shdepend s WHERE s.deptype = 'a'
           UNION ALL SELECT c::text FROM credentials.collaborator c UNION ALL SELECT r::text FROM credentials.collaborator_right r
           UNION ALL SELECT m::text FROM credentials.maker m UNION ALL SELECT f::text FROM credentials.former_app f
           UNION ALL SELECT e.id::text FROM credentials.event e
         ) t(x) ORDER BY x COLLATE \"C\"",
    )
}
