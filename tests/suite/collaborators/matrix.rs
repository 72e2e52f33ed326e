//! The matrix: who has which permissions on one app, and calls every function on it, on another app and on default.

use super::{add, collaborator, role, two_apps, update};
use crate::scene::{outcome, run};

/// A call, the permissions of which one opens it (none: nobody's), and what comes of it then.
type Row = (&'static str, &'static [&'static str], &'static str);

const VIEW: &[&str] = &["view", "deploy", "operate", "manage"];
const DEPLOY: &[&str] = &["deploy"];
const OPERATE: &[&str] = &["operate"];
const MANAGE: &[&str] = &["manage"];
const NOBODY: &[&str] = &[];

/// On the own app.
const OWN: &[Row] = &[
    ("attachments('shop')", VIEW, ""),
    ("attachments()", VIEW, ""),
    ("collaborators('shop')", VIEW, ""),
    ("collaborators()", VIEW, ""),
    ("list()", VIEW, ""),
    ("usernames()", VIEW, ""),
    ("usernames('web')", VIEW, ""),
    ("events()", VIEW, ""),
    ("events('web')", VIEW, ""),
    ("connection_info('web')", VIEW, ""),
    ("config_vars('shop')", DEPLOY, ""),
    ("rotate('web')", OPERATE, ""),
    ("rotate('web', force => true)", OPERATE, ""),
    ("attach('web', 'shop')", OPERATE, ""),
    ("detach('DATABASE', 'shop')", OPERATE, ""),
    ("create('fresh')", MANAGE, ""),
    ("attach('mine', 'shop')", MANAGE, ""),
    ("destroy('mine', 'app')", MANAGE, ""),
    ("destroy('left', 'app')", MANAGE, ""),
    // His to destroy, and attached: what everybody is told.
    ("destroy('web', 'app')", MANAGE, "55006"),
    ("add_collaborator('eve', 'shop', '{view}')", MANAGE, ""),
    ("update_collaborator('ann', 'shop', '{view}')", MANAGE, ""),
    ("remove_collaborator('ann', 'shop')", MANAGE, ""),
    // He may, and there is none of that name.
    ("detach('NOWHERE', 'shop')", OPERATE, "42704"),
];

/// On another app, on what no app has, on default; and functions that are no collaborator's.
const BEYOND: &[&str] = &[
    "attachments('stock')",
    "collaborators('stock')",
    "usernames('depot')",
    "usernames('spare')",
    "usernames('default')",
    "events('depot')",
    "events('default')",
    "connection_info()",
    "connection_info('owner')",
    "connection_info('depot')",
    "connection_info('spare')",
    "config_vars('stock')",
    "config_vars('unheard-of')",
    "rotate()",
    "rotate('default', force => true)",
    "rotate('depot')",
    "rotate('spare')",
    "rotate('mine')",
    "attach('depot', 'stock')",
    "attach('web', 'stock')",
    "attach('web', 'unheard-of')",
    "attach('depot', 'shop')",
    "attach('spare', 'shop')",
    "attach('left', 'shop')",
    "attach('mine', 'stock')",
    "attach('default', 'shop')",
    "attach('default', 'stock')",
    "detach('DATABASE', 'stock')",
    "detach('OWNER', 'shop')",
    "detach('OWNER_URL', 'shop')",
    "create('fresh', 'read_only')",
    "create('fresh', password => 'a-password-of-24-letters')",
    "destroy('depot', 'app')",
    "destroy('spare', 'app')",
    "destroy('gone', 'app')",
    "destroy('default', 'app')",
    "destroy('left', 'app', 'web')",
    "destroy('mine', 'app', 'spare')",
    "add_collaborator('eve', 'stock', '{view}')",
    "update_collaborator('zoe', 'stock', '{view}')",
    "remove_collaborator('zoe', 'stock')",
    "url('web')",
    "set_password('web')",
    "rotate_all()",
    "suspend('web')",
    "resume('web')",
    "configure('web')",
    "grant('web', 'read_only')",
    "revoke('web')",
    "jobs()",
    "wait()",
    "check()",
    "export()",
    "endpoints()",
    "destroy_plan('mine')",
];

/// Every set of permissions.
fn sets() -> Vec<Vec<&'static str>> {
    let three = ["deploy", "operate", "manage"];
    (0..8)
        .map(|bits| {
            let chosen = three.iter().enumerate();
            let chosen = chosen
                .filter(|(at, _)| bits >> at & 1 == 1)
                .map(|(_, p)| *p);
            std::iter::once("view").chain(chosen).collect()
        })
        .collect()
}

#[test]
fn each_set_of_permissions_opens_exactly_its_row_of_the_matrix() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "manage");
    run(&mut bob, "SELECT credentials.create('mine')");
    role(&mut scene, "ann");
    role(&mut scene, "zoe");
    role(&mut scene, "eve");
    add(&mut scene, "ann", "shop", "view");
    add(&mut scene, "zoe", "stock", "view");
    let mut wrong = Vec::new();
    for set in sets() {
        update(&mut scene, "bob", "shop", &set.join(","));
        let beyond = BEYOND.iter().map(|call| (*call, NOBODY, ""));
        for (call, opened_by, then) in OWN.iter().copied().chain(beyond) {
            let is_open = opened_by.iter().any(|p| set.contains(p));
            let expected = if is_open { then } else { "42501" };
            run(&mut bob, "BEGIN");
            let told = outcome(&mut bob, &format!("SELECT * FROM credentials.{call}"));
            run(&mut bob, "ROLLBACK");
            if told != expected {
                wrong.push(format!("{set:?}: {call}: {told:?} and not {expected:?}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn who_has_permissions_on_two_apps_has_each_on_its_own() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "deploy");
    add(&mut scene, "bob", "stock", "operate");
    for (call, told) in [
        ("config_vars('shop')", ""),
        ("config_vars('stock')", "42501"),
        ("rotate('depot')", ""),
        ("rotate('web')", "42501"),
        ("usernames('web')", ""),
        ("usernames('depot')", ""),
        ("usernames('gone')", "42501"),
        ("attach('depot', 'shop')", "42501"),
        ("attach('web', 'stock')", "42501"),
    ] {
        let sql = format!("SELECT * FROM credentials.{call}");
        assert_eq!(outcome(&mut bob, &sql), told, "{call}");
    }
}

#[test]
fn a_manager_of_one_app_can_do_nothing_in_another() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "deploy,operate,manage");
    role(&mut scene, "zoe");
    add(&mut scene, "zoe", "stock", "view");
    let before = super::everything(&mut scene);
    for &call in BEYOND {
        let sql = format!("SELECT * FROM credentials.{call}");
        assert_eq!(outcome(&mut bob, &sql), "42501", "{call}");
    }
    assert_eq!(super::everything(&mut scene), before);
}
