//! Who gives which permissions to whom.

use super::{add, collaborator, listed, role, two_apps, update};
use crate::scene::{ask, column, outcome, rows, run};

#[test]
fn permissions_are_told_once_in_their_order_with_view() {
    let mut scene = two_apps();
    role(&mut scene, "bob");
    let given = rows(
        &mut scene.own,
        "SELECT * FROM credentials.add_collaborator('bob', 'shop', '{manage,deploy,manage}')",
    );
    assert_eq!(given, ["bob|shop|[\"view\",\"deploy\",\"manage\"]"]);
    let changed = rows(
        &mut scene.own,
        "SELECT * FROM credentials.update_collaborator('bob', 'shop', '{operate}')",
    );
    assert_eq!(changed, ["bob|shop|[\"view\",\"operate\"]"]);
    assert_eq!(listed(&mut scene), ["shop bob {view,operate}"]);
    let taken = rows(
        &mut scene.own,
        "SELECT * FROM credentials.remove_collaborator('bob', 'shop')",
    );
    assert_eq!(taken, ["bob|shop|[\"view\",\"operate\"]"]);
    assert_eq!(listed(&mut scene), Vec::<String>::new());
}

#[test]
fn bad_arguments_and_unfit_roles_are_refused() {
    let mut scene = two_apps();
    role(&mut scene, "bob");
    run(
        &mut scene.su,
        "CREATE ROLE deputy; GRANT app_owner TO deputy;
         CREATE ROLE quiet NOINHERIT; GRANT app_owner TO quiet;
         CREATE SCHEMA s AUTHORIZATION app_owner;
         SELECT credentials.grant('web', 'read_only', '{s}');
         SELECT credentials.rotate('depot')",
    );
    for (call, told) in [
        ("add_collaborator('bob', 'shop', '{}')", "22023"),
        ("add_collaborator('bob', 'shop', '{view,NULL}')", "22023"),
        ("add_collaborator('bob', 'shop', '{View}')", "22023"),
        ("add_collaborator('bob', 'shop', '{admin}')", "22023"),
        ("add_collaborator('bob', 'shop', NULL)", "22023"),
        ("add_collaborator('bob', NULL, '{view}')", "22023"),
        ("add_collaborator(NULL, 'shop', '{view}')", "22023"),
        ("add_collaborator('bob', 'Shop', '{view}')", "42602"),
        ("add_collaborator('bob', '', '{view}')", "42602"),
        ("add_collaborator('nobody', 'shop', '{view}')", "42704"),
        ("add_collaborator('', 'shop', '{view}')", "42704"),
        ("add_collaborator('public', 'shop', '{view}')", "42704"),
        (
            "add_collaborator('current_user', 'shop', '{view}')",
            "42704",
        ),
        (
            "add_collaborator(repeat('a', 64), 'shop', '{view}')",
            "42704",
        ),
        ("add_collaborator('default', 'shop', '{view}')", "42704"),
        ("add_collaborator('postgres', 'shop', '{view}')", "42501"),
        ("add_collaborator('pg_monitor', 'shop', '{view}')", "42501"),
        ("add_collaborator('app_owner', 'shop', '{view}')", "42501"),
        ("add_collaborator('deputy', 'shop', '{view}')", "42501"),
        ("add_collaborator('quiet', 'shop', '{view}')", "42501"),
        ("add_collaborator('db_reader_s', 'shop', '{view}')", "42501"),
        (
            "add_collaborator('depot-rotating', 'shop', '{view}')",
            "42501",
        ),
        ("update_collaborator('bob', 'shop', '{view}')", "42704"),
        ("remove_collaborator('bob', 'shop')", "42704"),
        ("remove_collaborator('nobody', 'shop')", "42704"),
        ("collaborators('Shop')", "42602"),
    ] {
        for client in [&mut scene.own, &mut scene.su] {
            let sql = format!("SELECT * FROM credentials.{call}");
            assert_eq!(outcome(client, &sql), told, "{call}");
        }
    }
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM credentials.collaborator"
        ),
        "0"
    );
    add(&mut scene, "bob", "shop", "view");
    let again = "SELECT credentials.add_collaborator('bob', 'shop', '{manage}')";
    assert_eq!(outcome(&mut scene.own, again), "42710");
    assert_eq!(listed(&mut scene), ["shop bob {view}"]);
}

#[test]
fn a_role_of_any_name_can_be_a_collaborator_and_so_can_a_group() {
    let mut scene = two_apps();
    for name in ["O'Brien \\ \"x\"\nselect", "größe", "ALL", "a b"] {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        let literal = name.replace('\\', "\\\\").replace('\'', "''");
        run(
            &mut scene.su,
            &format!("CREATE ROLE {quoted}; SELECT credentials.add_collaborator(E'{literal}', 'shop', '{{view}}')"),
        );
        run(&mut scene.su, &format!("SET ROLE {quoted}"));
        assert_eq!(
            column(&mut scene.su, "SELECT name FROM credentials.list()"),
            ["web"]
        );
        run(
            &mut scene.su,
            &format!("RESET ROLE; SELECT credentials.remove_collaborator(E'{literal}', 'shop'); DROP ROLE {quoted}"),
        );
    }
}

#[test]
fn nobody_gives_what_he_lacks_and_nobody_raises_his_own() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "manage,operate");
    role(&mut scene, "ann");
    role(&mut scene, "eve");
    add(&mut scene, "ann", "shop", "deploy");
    for (call, told) in [
        // His own.
        (
            "update_collaborator('bob', 'shop', '{manage,deploy}')",
            "42501",
        ),
        ("add_collaborator('bob', 'stock', '{view}')", "42501"),
        (
            "add_collaborator('bob', 'shop', '{manage,operate,deploy}')",
            "42710",
        ),
        // Others'.
        ("add_collaborator('eve', 'shop', '{deploy}')", "42501"),
        ("add_collaborator('eve', 'shop', '{operate}')", ""),
        (
            "update_collaborator('eve', 'shop', '{operate,deploy}')",
            "42501",
        ),
        ("update_collaborator('eve', 'shop', '{manage}')", ""),
        // What Ann has already is not his gift; once it is gone he cannot give it back.
        ("update_collaborator('ann', 'shop', '{deploy,operate}')", ""),
        ("update_collaborator('ann', 'shop', '{operate}')", ""),
        (
            "update_collaborator('ann', 'shop', '{deploy,operate}')",
            "42501",
        ),
        ("remove_collaborator('ann', 'shop')", ""),
        ("add_collaborator('ann', 'shop', '{deploy}')", "42501"),
    ] {
        let sql = format!("SELECT * FROM credentials.{call}");
        assert_eq!(outcome(&mut bob, &sql), told, "{call}");
    }
    assert_eq!(
        listed(&mut scene),
        ["shop bob {view,operate,manage}", "shop eve {view,manage}"]
    );
    // He may take his own.
    run(
        &mut bob,
        "SELECT credentials.update_collaborator('bob', 'shop', '{view}')",
    );
    let back = "SELECT credentials.update_collaborator('bob', 'shop', '{view,manage}')";
    assert_eq!(outcome(&mut bob, back), "42501");
}

#[test]
fn without_manage_nobody_gives_anything_whatever_else_he_has() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "deploy,operate");
    add(&mut scene, "bob", "stock", "manage");
    role(&mut scene, "eve");
    // He has EXECUTE, for stock.
    let call = "SELECT credentials.add_collaborator('eve', 'shop', '{view}')";
    assert_eq!(outcome(&mut bob, call), "42501");
    run(
        &mut bob,
        "SELECT credentials.add_collaborator('eve', 'stock', '{view}')",
    );
    update(&mut scene, "bob", "stock", "view");
    assert_eq!(
        outcome(
            &mut bob,
            "SELECT credentials.remove_collaborator('eve', 'stock')"
        ),
        "42501"
    );
}

#[test]
fn each_change_is_one_event_of_the_app_and_says_who_what_and_what_was() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "manage");
    role(&mut scene, "eve");
    run(
        &mut bob,
        "SELECT credentials.add_collaborator('eve', 'shop', '{view}');
         SELECT credentials.update_collaborator('eve', 'shop', '{manage}');
         SELECT credentials.update_collaborator('eve', 'shop', '{manage}');
         SELECT credentials.remove_collaborator('eve', 'shop')",
    );
    let told = column(
        &mut scene.own,
        "SELECT concat_ws(' ', action, app, name, effective_role, detail->>'collaborator', detail->>'permissions', detail->>'was')
           FROM credentials.events() WHERE action LIKE '%collaborator' AND detail->>'collaborator' = 'eve' ORDER BY id",
    );
    assert_eq!(
        told,
        [
            "add_collaborator shop bob eve [\"view\"] []",
            "update_collaborator shop bob eve [\"view\", \"manage\"] [\"view\"]",
            "remove_collaborator shop bob eve [] [\"view\", \"manage\"]",
        ]
    );
}
