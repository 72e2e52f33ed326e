//! Every way tried to have more than was given, or to reach default.

use super::{add, collaborator, listed, remove, role, session, two_apps, update};
use crate::scene::{ask, column, outcome, run};

#[test]
fn a_member_of_a_collaborators_role_has_what_that_has_and_no_more() {
    let mut scene = two_apps();
    run(&mut scene.su, "CREATE ROLE team");
    add(&mut scene, "team", "shop", "deploy");
    role(&mut scene, "bob");
    run(&mut scene.su, "GRANT team TO bob");
    let mut bob = session(&scene, "bob");
    for identity in ["RESET ROLE", "SET ROLE team"] {
        run(&mut bob, identity);
        assert_eq!(
            column(&mut bob, "SELECT name FROM credentials.list()"),
            ["web"]
        );
        run(&mut bob, "SELECT * FROM credentials.config_vars('shop')");
        assert_eq!(
            outcome(&mut bob, "SELECT * FROM credentials.config_vars('stock')"),
            "42501"
        );
        assert_eq!(
            outcome(&mut bob, "SELECT credentials.rotate('web')"),
            "42501"
        );
    }
    // His own on another app are added to it, and go without it.
    run(&mut bob, "RESET ROLE");
    add(&mut scene, "bob", "stock", "operate");
    run(
        &mut bob,
        "SELECT credentials.rotate('depot', force => true)",
    );
    run(&mut bob, "SET ROLE team");
    assert_eq!(
        outcome(
            &mut bob,
            "SELECT credentials.rotate('depot', force => true)"
        ),
        "42501"
    );
    // Who is a member without inheriting has them after SET ROLE alone.
    run(&mut bob, "RESET ROLE");
    remove(&mut scene, "bob", "stock");
    run(&mut scene.su, "ALTER ROLE bob NOINHERIT");
    assert_eq!(outcome(&mut bob, "SELECT credentials.list()"), "42501");
    run(&mut scene.su, "GRANT USAGE ON SCHEMA credentials TO bob");
    assert_eq!(
        outcome(&mut bob, "SELECT * FROM credentials.config_vars('shop')"),
        "42501"
    );
    run(
        &mut bob,
        "SET ROLE team; SELECT * FROM credentials.config_vars('shop')",
    );
}

#[test]
fn a_manager_gains_nothing_by_adding_a_role_that_he_is_a_member_of() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "manage");
    run(&mut scene.su, "CREATE ROLE team; GRANT team TO bob");
    for (permissions, told) in [("deploy", "42501"), ("operate", "42501"), ("manage", "")] {
        let add =
            format!("SELECT credentials.add_collaborator('team', 'shop', '{{{permissions}}}')");
        assert_eq!(outcome(&mut bob, &add), told, "{permissions}");
    }
    // What the team is given elsewhere he may pass on there, where he has it: on that app.
    add(&mut scene, "team", "stock", "deploy");
    assert_eq!(
        outcome(
            &mut bob,
            "SELECT credentials.update_collaborator('bob', 'shop', '{manage,deploy}')"
        ),
        "42501"
    );
    assert_eq!(
        outcome(
            &mut bob,
            "SELECT credentials.add_collaborator('bob', 'stock', '{deploy}')"
        ),
        "42501"
    );
}

#[test]
fn a_rotating_twin_is_its_credential() {
    let mut scene = two_apps();
    add(&mut scene, "web", "shop", "operate");
    run(&mut scene.own, "SELECT credentials.rotate('web')");
    let mut twin = scene.login("web");
    run(&mut scene.su, "GRANT web TO depot");
    for identity in ["RESET ROLE", "SET ROLE NONE", "SET ROLE web"] {
        run(&mut twin, identity);
        assert_eq!(
            column(&mut twin, "SELECT name FROM credentials.list()"),
            ["web"]
        );
        assert_eq!(
            outcome(&mut twin, "SELECT * FROM credentials.config_vars('shop')"),
            "42501"
        );
        assert_eq!(outcome(&mut twin, "SELECT credentials.rotate()"), "42501");
    }
    run(&mut twin, "SET ROLE NONE");
    assert_eq!(ask(&mut twin, "SELECT current_user"), "web-rotating");
}

#[test]
fn a_role_that_is_renamed_or_made_anew_under_the_name_has_nothing() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "deploy,manage");
    let reads = "SELECT * FROM credentials.config_vars('shop')";
    run(&mut bob, reads);
    // Another name: it keeps EXECUTE, and may do nothing.
    run(&mut scene.su, "ALTER ROLE bob RENAME TO robert");
    for call in [
        reads,
        "SELECT * FROM credentials.list()",
        "SELECT credentials.create('x1')",
    ] {
        assert_eq!(outcome(&mut bob, call), "42501", "{call}");
    }
    assert_eq!(listed(&mut scene), Vec::<String>::new());
    // Another role of the old name.
    role(&mut scene, "bob");
    run(
        &mut scene.su,
        "GRANT CONNECT ON DATABASE app TO bob; GRANT USAGE ON SCHEMA credentials TO bob",
    );
    let mut other = session(&scene, "bob");
    assert_eq!(outcome(&mut other, reads), "42501");
    // Whoever wants the first one to go on says so again; the second one is nobody.
    add(&mut scene, "robert", "shop", "view");
    assert_eq!(
        column(&mut bob, "SELECT name FROM credentials.list()"),
        ["web"]
    );
    assert_eq!(outcome(&mut bob, reads), "42501");
    assert_eq!(listed(&mut scene), ["shop robert {view}"]);
    run(&mut scene.su, "ALTER ROLE robert RENAME TO rob");
    remove(&mut scene, "rob", "shop");
    assert_eq!(
        outcome(&mut bob, "SELECT * FROM credentials.list()"),
        "42501"
    );
}

#[test]
fn the_renamed_one_is_removed_by_the_name_that_it_was_added_with() {
    let mut scene = two_apps();
    drop(collaborator(&mut scene, "bob", "view"));
    run(&mut scene.su, "ALTER ROLE bob RENAME TO robert");
    remove(&mut scene, "bob", "shop");
    assert_eq!(super::rights(&mut scene, "robert"), Vec::<String>::new());
    run(&mut scene.su, "DROP ROLE robert");
}

#[test]
fn a_number_that_another_role_has_now_makes_it_limited_and_gives_it_nothing() {
    let mut scene = two_apps();
    drop(collaborator(&mut scene, "bob", "deploy"));
    // A role that got the number of one that is gone, with a right on list() from a superuser's hand.
    let mut eve = scene.stranger("eve", "");
    run(
        &mut scene.su,
        "GRANT USAGE ON SCHEMA credentials TO eve; GRANT EXECUTE ON FUNCTION credentials.list(), credentials.config_vars(text) TO eve",
    );
    assert_eq!(
        column(&mut eve, "SELECT count(*) FROM credentials.list()"),
        ["6"]
    );
    run(
        &mut scene.su,
        "UPDATE credentials.collaborator SET role = 'eve'::regrole WHERE role_name = 'bob'",
    );
    for call in ["list()", "config_vars('shop')"] {
        let sql = format!("SELECT * FROM credentials.{call}");
        assert_eq!(outcome(&mut eve, &sql), "42501", "{call}");
    }
}

#[test]
fn a_definer_function_has_its_owners_permissions_and_an_invokers_its_callers() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "deploy");
    let mut ann = collaborator(&mut scene, "ann", "view");
    run(
        &mut scene.su,
        "CREATE SCHEMA code; GRANT ALL ON SCHEMA code TO PUBLIC",
    );
    let wrapper = |name: &str, security: &str| {
        format!(
            "CREATE FUNCTION code.{name}(app text) RETURNS bigint LANGUAGE sql SECURITY {security} AS
             'SELECT count(*) FROM credentials.config_vars(app)'"
        )
    };
    run(&mut bob, &wrapper("of_bob", "DEFINER"));
    run(&mut ann, &wrapper("of_ann", "DEFINER"));
    run(&mut bob, &wrapper("of_caller", "INVOKER"));
    assert_eq!(ask(&mut ann, "SELECT code.of_bob('shop')"), "1");
    assert_eq!(outcome(&mut ann, "SELECT code.of_bob('stock')"), "42501");
    assert_eq!(outcome(&mut ann, "SELECT code.of_caller('shop')"), "42501");
    for caller in [&mut bob, &mut scene.own, &mut scene.su] {
        assert_eq!(outcome(caller, "SELECT code.of_ann('shop')"), "42501");
    }
    // Default's own function has default's rights, as any other of default's.
    assert_eq!(ask(&mut scene.own, "SELECT code.of_bob('shop')"), "1");
    assert_eq!(ask(&mut scene.su, "SELECT code.of_caller('shop')"), "2");
}

#[test]
fn nobody_reads_a_password_by_attaching_what_he_could_not_read() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "deploy,operate,manage");
    add(&mut scene, "bob", "stock", "operate");
    // Somebody else's, attached to nothing: one that default made, one that another manager made.
    let mut ann = collaborator(&mut scene, "ann", "manage");
    run(&mut ann, "SELECT credentials.create('of-ann')");
    for name in ["spare", "of-ann", "left", "gone", "default"] {
        let call = format!("SELECT credentials.attach('{name}', 'shop')");
        assert_eq!(outcome(&mut bob, &call), "42501", "{name}");
    }
    // Operated in both apps, read in one: not from the one where he does not read.
    let call = "SELECT credentials.attach('depot', 'shop', 'STOLEN')";
    assert_eq!(outcome(&mut bob, call), "42501");
    update(&mut scene, "bob", "stock", "operate,deploy");
    run(&mut bob, call);
    // Made by himself: he reads what he made, and it has access to nothing.
    run(
        &mut bob,
        "SELECT credentials.create('own'); SELECT credentials.attach('own', 'shop', 'OWN')",
    );
    run(&mut bob, "SELECT * FROM credentials.config_vars('shop')");
    // Once an app has had it, it is that app's, whoever made it.
    run(&mut bob, "SELECT credentials.detach('OWN', 'shop')");
    let again = "SELECT credentials.attach('own', 'shop')";
    assert_eq!(outcome(&mut bob, again), "42501");
}

#[test]
fn nobody_destroys_what_was_another_apps_by_carrying_it_over() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "operate,manage");
    add(&mut scene, "bob", "stock", "operate");
    // He operates both, and manages shop alone.
    run(
        &mut bob,
        "SELECT credentials.attach('depot', 'shop', 'CARRIED');
         SELECT credentials.detach('DATABASE', 'stock'); SELECT credentials.detach('CARRIED', 'shop')",
    );
    let call = "SELECT credentials.destroy('depot', 'app')";
    assert_eq!(outcome(&mut bob, call), "42501");
    update(&mut scene, "bob", "stock", "manage");
    run(&mut bob, call);
}

#[test]
fn if_not_exists_tells_of_ones_own_credentials_alone() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "manage");
    run(&mut bob, "SELECT credentials.create('mine')");
    for (name, told) in [
        ("web", ""),
        ("mine", ""),
        ("depot", "42710"),
        ("spare", "42710"),
        ("gone", "42710"),
        ("bob", "42710"),
        ("default", "42939"),
    ] {
        let call = format!("SELECT * FROM credentials.create('{name}', if_not_exists => true)");
        assert_eq!(outcome(&mut bob, &call), told, "{name}");
    }
}
