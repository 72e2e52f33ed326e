//! `list().read_only`: true where nothing can be done with tables but read them.

use crate::scene::{ask, run, Scene};

#[track_caller]
fn read_only(scene: &mut Scene) -> bool {
    let told = ask(
        &mut scene.own,
        "SELECT read_only FROM credentials.list() WHERE name = 'c'",
    );
    assert!(!told.is_empty(), "there is no credential c");
    told == "t"
}

#[test]
fn whoever_can_write_a_table_in_whatever_way_is_not_read_only() {
    let mut scene = Scene::new();
    run(
        &mut scene.su,
        "SELECT credentials.create('c'); CREATE ROLE g; CREATE ROLE above; GRANT above TO g; CREATE SCHEMA s; CREATE TABLE s.t (i int, j int); CREATE VIEW s.v AS SELECT 1 AS i;
         CREATE TABLE s.p (i int) PARTITION BY LIST (i); CREATE MATERIALIZED VIEW s.m AS SELECT 1 AS i; CREATE SEQUENCE s.q; GRANT SELECT ON s.t TO c WITH GRANT OPTION; GRANT SELECT (i) ON s.v TO c",
    );
    assert!(read_only(&mut scene), "a right to read is not all it has");
    for (writes, taken_back) in [
        ("GRANT INSERT ON s.t TO c", "REVOKE INSERT ON s.t FROM c"),
        (
            "GRANT TRUNCATE ON s.p TO c",
            "REVOKE TRUNCATE ON s.p FROM c",
        ),
        ("GRANT DELETE ON s.v TO c", "REVOKE DELETE ON s.v FROM c"),
        (
            "GRANT UPDATE (j) ON s.t TO c",
            "REVOKE UPDATE (j) ON s.t FROM c",
        ),
        (
            "GRANT TRIGGER ON s.t TO PUBLIC",
            "REVOKE TRIGGER ON s.t FROM PUBLIC",
        ),
        (
            "GRANT UPDATE (i) ON s.t TO PUBLIC",
            "REVOKE UPDATE (i) ON s.t FROM PUBLIC",
        ),
        (
            "GRANT g TO c; GRANT INSERT ON s.t TO above",
            "REVOKE g FROM c; REVOKE INSERT ON s.t FROM above",
        ),
        (
            "ALTER ROLE g NOINHERIT; GRANT g TO c; GRANT INSERT ON s.t TO above",
            "REVOKE g FROM c; REVOKE INSERT ON s.t FROM above",
        ),
        (
            "GRANT pg_write_all_data TO c",
            "REVOKE pg_write_all_data FROM c",
        ),
        (
            "ALTER TABLE s.t OWNER TO c",
            "ALTER TABLE s.t OWNER TO postgres; GRANT SELECT ON s.t TO c",
        ),
        (
            "GRANT g TO c; ALTER TABLE s.m OWNER TO above; REVOKE ALL ON s.m FROM above",
            "REVOKE g FROM c; ALTER TABLE s.m OWNER TO postgres",
        ),
        ("ALTER ROLE c SUPERUSER", "ALTER ROLE c NOSUPERUSER"),
    ] {
        scene.cluster.allow_superuser("c");
        run(&mut scene.su, writes);
        assert!(!read_only(&mut scene), "{writes}");
        run(&mut scene.su, taken_back);
        assert!(read_only(&mut scene), "{taken_back}");
    }
}

#[test]
fn what_is_no_right_on_a_table_leaves_a_credential_read_only() {
    let mut scene = Scene::new();
    let mut c = scene.credential("c");
    assert!(read_only(&mut scene), "it has no right at all");
    run(
        &mut scene.su,
        "CREATE SCHEMA s; CREATE SEQUENCE s.q; CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT ALL ON SEQUENCE s.q TO c;
         ALTER FUNCTION s.f() OWNER TO c; GRANT CREATE, USAGE ON SCHEMA s TO c; GRANT TEMPORARY ON DATABASE app TO c; GRANT pg_read_all_data TO c",
    );
    run(&mut c, "CREATE TEMPORARY TABLE own (i int)");
    assert!(read_only(&mut scene));
    if !cfg!(feature = "pg15") {
        run(
            &mut scene.su,
            "CREATE ROLE w; CREATE TABLE s.t (i int); GRANT INSERT ON s.t TO w; GRANT w TO c WITH INHERIT FALSE, SET FALSE",
        );
        assert!(read_only(&mut scene), "nothing comes of this membership");
        for allows in ["INHERIT", "SET", "ADMIN"] {
            run(&mut scene.su, &format!("GRANT w TO c WITH {allows} TRUE"));
            assert!(!read_only(&mut scene), "{allows}");
            run(&mut scene.su, &format!("GRANT w TO c WITH {allows} FALSE"));
        }
        assert!(read_only(&mut scene));
    }
}
