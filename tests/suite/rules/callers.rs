//! Rule 2: the effective user decides, by its EXECUTE privilege; the others are recorded.

use crate::harness::expect_error;
use crate::scene::{ask, outcome, run, Scene};

/// The last event's users, as effective, outer, session.
const USERS: &str = "SELECT format('%s %s %s', effective_role, outer_role, session_role) FROM credentials.event ORDER BY id DESC LIMIT 1";

#[test]
fn rule_02_set_role_and_session_authorization_count_as_who_they_make() {
    let mut scene = Scene::new();
    let _c1 = scene.credential("c1");
    // default is a member of c1, which may call nothing.
    run(&mut scene.own, "SET ROLE c1");
    expect_error(&mut scene.own, "SELECT credentials.create('x1')", "42501");
    run(&mut scene.own, "RESET ROLE");
    for identity in ["SET ROLE c1", "SET SESSION AUTHORIZATION c1"] {
        run(&mut scene.su, identity);
        expect_error(&mut scene.su, "SELECT credentials.create('x1')", "42501");
        run(&mut scene.su, "RESET SESSION AUTHORIZATION; RESET ROLE");
    }
    for (identity, users, name) in [
        ("SET ROLE app_owner", "app_owner app_owner postgres", "x2"),
        (
            "SET SESSION AUTHORIZATION app_owner",
            "app_owner app_owner app_owner",
            "x3",
        ),
    ] {
        run(
            &mut scene.su,
            &format!("{identity}; SELECT credentials.create('{name}')"),
        );
        expect_error(
            &mut scene.su,
            &format!("SELECT credentials.release('{name}')"),
            "42501",
        );
        run(&mut scene.su, "RESET SESSION AUTHORIZATION; RESET ROLE");
        assert_eq!(ask(&mut scene.su, USERS), users);
    }
}

#[test]
fn rule_02_a_definer_function_has_the_rights_of_its_owner_and_no_others() {
    let mut scene = Scene::new();
    let mut c1 = scene.credential("c1");
    run(
        &mut scene.su,
        "GRANT CREATE ON SCHEMA public TO c1; GRANT USAGE ON SCHEMA public TO PUBLIC",
    );
    let wrapper = |name: &str| {
        format!(
            "CREATE FUNCTION public.{name}(n text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS
             $$ BEGIN PERFORM * FROM credentials.create(n); END $$"
        )
    };
    run(&mut c1, &wrapper("of_c1"));
    run(&mut scene.own, &wrapper("of_own"));
    run(&mut scene.su, &wrapper("of_su"));
    // c1's code has c1's rights, also where default or a superuser calls it.
    expect_error(&mut scene.own, "SELECT public.of_c1('x1')", "42501");
    expect_error(&mut scene.su, "SELECT public.of_c1('x1')", "42501");
    run(&mut c1, "SELECT public.of_own('x1')");
    assert_eq!(ask(&mut scene.su, USERS), "app_owner c1 c1");
    run(&mut scene.own, "SELECT public.of_su('x2')");
    assert_eq!(ask(&mut scene.su, USERS), "postgres app_owner app_owner");
}

#[test]
fn rule_02_no_call_from_a_trigger_an_index_or_a_refresh() {
    let mut scene = Scene::new();
    run(
        &mut scene.own,
        "CREATE FUNCTION public.made(n text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
           $$ BEGIN PERFORM * FROM credentials.create(n); RETURN 1; END $$;
         CREATE FUNCTION public.fired() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN PERFORM public.made('by-trigger'); RETURN NEW; END $$;
         CREATE TABLE public.plain (n text);
         CREATE TABLE public.armed (n text);
         CREATE TRIGGER fire BEFORE INSERT ON public.armed FOR EACH ROW EXECUTE FUNCTION public.fired();
         INSERT INTO public.plain VALUES ('by-index');
         CREATE MATERIALIZED VIEW public.fresh AS SELECT public.made('by-refresh') WITH NO DATA;
         CREATE INDEX empty ON public.armed (public.made(n))",
    );
    for statement in [
        "INSERT INTO public.armed VALUES ('x')",
        "CREATE INDEX ON public.plain (public.made(n))",
        "REFRESH MATERIALIZED VIEW public.fresh",
        "CREATE MATERIALIZED VIEW public.other AS SELECT public.made('by-create')",
    ] {
        for client in [&mut scene.own, &mut scene.su] {
            let error = expect_error(client, statement, "42501");
            let said = error
                .as_db_error()
                .map(|e| e.message().to_owned())
                .unwrap_or_default();
            assert_eq!(
                said,
                "create cannot be called from a trigger or a restricted operation"
            );
        }
    }
    assert_eq!(
        ask(&mut scene.su, "SELECT count(*) FROM credentials.list()"),
        "1"
    );
}

#[test]
fn rule_02_a_generated_column_a_check_and_a_policy_have_the_rights_of_whose_statement_it_is() {
    let mut scene = Scene::new();
    let mut c1 = scene.credential("c1");
    run(
        &mut scene.own,
        "GRANT USAGE ON SCHEMA public TO PUBLIC;
         CREATE FUNCTION public.made(n text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
           $$ BEGIN PERFORM * FROM credentials.create(n); RETURN n; END $$;
         CREATE TABLE public.generated (n text, g text GENERATED ALWAYS AS (public.made(n)) STORED);
         CREATE TABLE public.checked (n text CHECK (public.made(n) IS NOT NULL));
         CREATE TABLE public.guarded (n text);
         INSERT INTO public.guarded VALUES ('by-policy');
         ALTER TABLE public.guarded ENABLE ROW LEVEL SECURITY;
         CREATE POLICY p ON public.guarded USING (public.made(n) IS NOT NULL);
         GRANT ALL ON public.generated, public.checked, public.guarded TO c1, PUBLIC",
    );
    let mut statements = [
        (
            "by-generated",
            "INSERT INTO public.generated VALUES ('by-generated')",
        ),
        ("by-check", "INSERT INTO public.checked VALUES ('by-check')"),
        ("by-policy", "SELECT * FROM public.guarded"),
    ];
    for (name, statement) in &mut statements {
        expect_error(&mut c1, statement, "42501");
        assert_eq!(
            ask(
                &mut scene.su,
                &format!("SELECT count(*) FROM pg_roles WHERE rolname = '{name}'")
            ),
            "0"
        );
    }
    run(
        &mut scene.own,
        "ALTER TABLE public.guarded FORCE ROW LEVEL SECURITY; SET row_security = on",
    );
    for (name, statement) in statements {
        run(&mut scene.own, statement);
        assert_eq!(
            ask(
                &mut scene.su,
                &format!("SELECT count(*) FROM pg_roles WHERE rolname = '{name}'")
            ),
            "1"
        );
        assert_eq!(ask(&mut scene.su, USERS), "app_owner app_owner app_owner");
    }
}

#[test]
fn rule_02_execute_alone_is_a_delegation_of_that_one_function() {
    let mut scene = Scene::new();
    let _c1 = scene.credential("c1");
    let mut delegate = scene.stranger("delegate", "");
    expect_error(&mut delegate, "SELECT credentials.list()", "42501");
    run(
        &mut scene.su,
        "GRANT USAGE ON SCHEMA credentials TO delegate;
         GRANT EXECUTE ON FUNCTION credentials.suspend(text) TO delegate",
    );
    run(&mut delegate, "SELECT credentials.suspend('c1')");
    for call in [
        "resume('c1')",
        "url('c1')",
        "rotate('c1', true)",
        "list()",
        "events()",
    ] {
        assert_eq!(
            outcome(&mut delegate, &format!("SELECT credentials.{call}")),
            "42501",
            "{call}"
        );
    }
    scene.settle();
}
