//! What default may do is reached by no permission: not as default, nor through a member of its role.

use super::{collaborator, two_apps};
use crate::harness::expect_error;
use crate::scene::{ask, column, outcome, run};

#[test]
fn default_is_told_to_nobody_and_its_variable_stays_where_it_is() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "deploy,operate,manage");
    assert_eq!(
        column(
            &mut bob,
            "SELECT config_var FROM credentials.config_vars('shop')"
        ),
        ["DATABASE_URL"]
    );
    assert_eq!(
        column(
            &mut scene.own,
            "SELECT config_var FROM credentials.config_vars('shop')"
        ),
        ["DATABASE_URL", "OWNER_URL"]
    );
    for call in [
        "detach('OWNER', 'shop')",
        "attach('owner', 'shop', 'MINE')",
        "rotate('OWNER')",
        "connection_info('Default')",
        "destroy('left', 'app', 'web')",
        "add_collaborator('app_owner', 'shop', '{view}')",
    ] {
        let sql = format!("SELECT * FROM credentials.{call}");
        expect_error(&mut bob, &sql, "42501");
    }
    // As heir default is what there is; what it inherits is default's.
    run(
        &mut bob,
        "SELECT credentials.destroy('left', 'app', 'owner')",
    );
}

#[test]
fn who_comes_to_have_defaults_rights_has_no_limits_and_who_loses_them_has_again() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "view");
    let count = "SELECT count(*) FROM credentials.list()";
    assert_eq!(ask(&mut bob, count), "1");
    run(&mut scene.su, "GRANT app_owner TO bob");
    assert_eq!(ask(&mut bob, count), "6");
    run(&mut scene.su, "REVOKE app_owner FROM bob");
    assert_eq!(ask(&mut bob, count), "1");
}

#[test]
fn a_credential_that_has_defaults_rights_is_default_to_collaborators() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "deploy,operate,manage");
    let vars = "SELECT config_var FROM credentials.config_vars('shop')";
    let calls = [
        "rotate('web')",
        "rotate('web', force => true)",
        "connection_info('web')",
        "usernames('web')",
        "events('web')",
        "attach('web', 'shop')",
        "detach('DATABASE', 'shop')",
        "destroy('web', 'app')",
    ];
    // As the server has it, default may not be a member of it then: so stands whoever breaks the glass.
    // Directly, through a group, and without inheriting: SET ROLE does.
    for (given, taken) in [
        ("GRANT app_owner TO web", "REVOKE app_owner FROM web"),
        (
            "CREATE ROLE crew; GRANT app_owner TO crew; GRANT crew TO web; ALTER ROLE web NOINHERIT",
            "DROP ROLE crew; ALTER ROLE web INHERIT",
        ),
    ] {
        assert_eq!(column(&mut bob, vars), ["DATABASE_URL"]);
        run(&mut scene.su, "REVOKE web FROM app_owner");
        run(&mut scene.su, given);
        assert_eq!(column(&mut bob, vars), Vec::<String>::new());
        for call in calls {
            let sql = format!("SELECT * FROM credentials.{call}");
            assert_eq!(outcome(&mut bob, &sql), "42501", "{given}: {call}");
        }
        assert_eq!(ask(&mut bob, "SELECT count(*) FROM credentials.list()"), "0");
        // Default reads it as ever.
        assert_eq!(column(&mut scene.own, vars), ["DATABASE_URL", "OWNER_URL"]);
        run(&mut scene.su, taken);
        run(&mut scene.su, "GRANT web TO app_owner WITH ADMIN OPTION");
    }
}
