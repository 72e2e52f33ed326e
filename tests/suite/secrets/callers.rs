//! Effective, outer and session role of every kind of caller (THREATS T20).

use super::audit::leaves;
use super::{ready, row, steps};

#[test]
fn the_trail_has_effective_outer_and_session_role_of_every_kind_of_caller() {
    let (mut su, cluster) = ready();
    su.batch_execute(
        "SELECT credentials.create('c1'); SELECT credentials.create('target'); SELECT credentials.rotate('default', force => true);
         GRANT USAGE ON SCHEMA credentials TO c1; GRANT EXECUTE ON FUNCTION credentials.url(text, text) TO c1;
         CREATE SCHEMA c1 AUTHORIZATION c1; GRANT USAGE ON SCHEMA c1 TO PUBLIC;
         SET ROLE c1;
         CREATE FUNCTION c1.wrapper() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT credentials.url('target') $$;
         CREATE TABLE c1.t (i int); GRANT ALL ON c1.t TO PUBLIC;
         CREATE FUNCTION c1.fired() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN PERFORM credentials.url('target'); RETURN NEW; END $$;
         CREATE TRIGGER t BEFORE INSERT ON c1.t FOR EACH ROW EXECUTE FUNCTION c1.fired(); RESET ROLE",
    )
    .unwrap();
    steps(&mut su, &["SELECT credentials.wait()"]);
    let mut own = cluster.connect(&cluster.url("default")).unwrap();
    own.batch_execute("SET application_name = 'harness'")
        .unwrap();
    let call = "SELECT credentials.url('target')";
    for (as_own, before, sql, who) in [
        (
            true,
            "RESET ROLE",
            call,
            ["app_owner", "app_owner", "app_owner"],
        ),
        (true, "SET ROLE c1", call, ["c1", "c1", "app_owner"]),
        (
            true,
            "RESET ROLE",
            "SELECT c1.wrapper()",
            ["c1", "app_owner", "app_owner"],
        ),
        (
            false,
            "RESET ROLE",
            "SELECT c1.wrapper()",
            ["c1", "postgres", "postgres"],
        ),
        (false, "SET ROLE c1", call, ["c1", "c1", "postgres"]),
        (
            false,
            "SET SESSION AUTHORIZATION c1",
            call,
            ["c1", "c1", "c1"],
        ),
    ] {
        let session = if as_own { &mut own } else { &mut su };
        session.batch_execute(before).unwrap();
        let line = leaves(&cluster, session, sql, None, 1).unwrap();
        let [effective, outer, session_role] = who;
        assert!(
            line.starts_with(&format!(
                "url \"target\": done; effective role \"{effective}\" ("
            )),
            "{line}"
        );
        assert!(
            line.ends_with(&format!(
                "outer role \"{outer}\", session role \"{session_role}\""
            )),
            "{line}"
        );
        let told = row(&mut cluster.superuser("app"), "SELECT effective_role, outer_role, session_role FROM credentials.event ORDER BY id DESC LIMIT 1");
        assert_eq!(
            told,
            who.map(|role| Some(role.to_owned())),
            "{before}; {sql}"
        );
    }
    // A trigger of somebody else's: refused, and its author is in the line.
    own.batch_execute("RESET ROLE").unwrap();
    let line = leaves(
        &cluster,
        &mut own,
        "INSERT INTO c1.t VALUES (1)",
        Some("42501"),
        0,
    )
    .unwrap();
    assert!(
        line.starts_with("url \"target\": refused (42501); effective role \"c1\" (")
            && line.ends_with("outer role \"app_owner\", session role \"app_owner\""),
        "{line}"
    );
}
