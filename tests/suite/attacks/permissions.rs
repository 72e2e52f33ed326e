//! Presets against those who were there before: what they made does not do for them what the group may do, and
//! nobody helps themselves to a group.

use crate::scene::{ask, column, fingerprint, outcome, run, Scene};

/// What `sly`, who may create in the schema and nothing else, leaves there for the day when all of it is the group's.
const LEFT_BEHIND: &str = "
    CREATE FUNCTION shop.run(q text) RETURNS void SECURITY DEFINER LANGUAGE plpgsql AS 'BEGIN EXECUTE q; END';
    CREATE PROCEDURE shop.walk(q text) SECURITY DEFINER LANGUAGE plpgsql AS 'BEGIN EXECUTE q; END';
    CREATE FUNCTION shop.fired() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS 'BEGIN EXECUTE NEW.q; RETURN NEW; END';
    CREATE TRIGGER trap BEFORE INSERT ON shop.inbox FOR EACH ROW EXECUTE FUNCTION shop.fired();
    CREATE FUNCTION shop.step(int, int) RETURNS int SECURITY DEFINER LANGUAGE plpgsql AS
      'BEGIN UPDATE shop.payments SET amount = 0; RETURN 1; END';
    CREATE AGGREGATE shop.sneak(int) (SFUNC = shop.step, STYPE = int, INITCOND = '0');
    CREATE VIEW shop.peek AS SELECT * FROM shop.payments; GRANT ALL ON shop.peek TO PUBLIC;
    CREATE TABLE shop.door (i int); GRANT ALL ON shop.door TO PUBLIC;
    CREATE RULE through AS ON INSERT TO shop.door DO ALSO UPDATE shop.payments SET amount = 0;
    CREATE FUNCTION shop.mine() RETURNS bigint LANGUAGE sql AS 'SELECT sum(amount) FROM shop.payments';
    CREATE TABLE shop.fires (q text, s text GENERATED ALWAYS AS (q) STORED);
    CREATE TRIGGER trap BEFORE INSERT ON shop.fires FOR EACH ROW EXECUTE FUNCTION shop.fired();
    GRANT ALL ON shop.fires TO PUBLIC;";

const TRIES: [&str; 11] = [
    "SELECT shop.run('UPDATE shop.payments SET amount = 0')",
    "CALL shop.walk('UPDATE shop.payments SET amount = 0')",
    "INSERT INTO shop.inbox VALUES ('UPDATE shop.payments SET amount = 0')",
    "INSERT INTO shop.fires VALUES ('UPDATE shop.payments SET amount = 0')",
    "SELECT shop.sneak(1)",
    "SELECT * FROM shop.peek",
    "UPDATE shop.peek SET amount = 0",
    "INSERT INTO shop.door VALUES (1)",
    "SELECT shop.mine()",
    "CREATE OR REPLACE FUNCTION shop.mine() RETURNS bigint SECURITY DEFINER LANGUAGE sql AS 'SELECT sum(amount) FROM shop.payments'",
    "ALTER FUNCTION shop.mine() SECURITY DEFINER",
];

/// A schema of default with a table that only default reads, and `sly`, who may create beside it.
fn shop() -> (Scene, postgres::Client) {
    let mut scene = Scene::new();
    let mut sly = scene.credential("sly");
    run(
        &mut scene.own,
        "CREATE SCHEMA shop; CREATE TABLE shop.payments AS SELECT 10 AS amount; CREATE TABLE shop.inbox (q text);
         GRANT USAGE, CREATE ON SCHEMA shop TO sly; GRANT INSERT, TRIGGER ON shop.inbox TO sly",
    );
    run(&mut sly, LEFT_BEHIND);
    (scene, sly)
}

#[test]
fn what_somebody_left_in_a_schema_does_nothing_for_them_when_it_becomes_the_groups() {
    for as_superuser in [false, true] {
        let (mut scene, mut sly) = shop();
        let boss = scene.credential("boss");
        for attempt in TRIES.iter().take(9) {
            assert_eq!(outcome(&mut sly, attempt), "42501", "before: {attempt}");
        }
        let caller = if as_superuser {
            &mut scene.su
        } else {
            &mut scene.own
        };
        run(
            caller,
            "SELECT credentials.grant('boss', 'owner', '{shop}')",
        );
        scene.settle();
        let owners = "SELECT DISTINCT relowner::regrole FROM pg_class WHERE relnamespace = 'shop'::regnamespace
                      UNION SELECT proowner::regrole FROM pg_proc WHERE pronamespace = 'shop'::regnamespace";
        assert_eq!(column(&mut scene.su, owners), ["db_owner_shop"]);
        for attempt in TRIES {
            assert_eq!(outcome(&mut sly, attempt), "42501", "after: {attempt}");
        }
        let amount = "SELECT sum(amount) FROM shop.payments";
        assert_eq!(ask(&mut scene.own, amount), "10");
        let open = "SELECT count(*) FROM pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) a
                     WHERE prosecdef AND pronamespace = 'shop'::regnamespace AND a.grantee <> proowner";
        assert_eq!(ask(&mut scene.su, open), "0");
        drop(boss);
    }
}

#[test]
fn a_later_reader_gets_nothing_back_of_what_was_closed_and_the_writers_stay_writers() {
    let (mut scene, mut sly) = shop();
    let boss = scene.credential("boss");
    run(
        &mut scene.own,
        "SELECT credentials.grant('boss', 'owner', '{shop}')",
    );
    scene.settle();
    run(
        &mut scene.own,
        "SELECT credentials.grant('sly', 'read_only', '{shop}')",
    );
    run(
        &mut sly,
        "SELECT * FROM shop.payments; SELECT * FROM shop.peek; SELECT shop.mine()",
    );
    for attempt in TRIES {
        if !["SELECT * FROM shop.peek", "SELECT shop.mine()"].contains(&attempt) {
            assert_eq!(outcome(&mut sly, attempt), "42501", "{attempt}");
        }
    }
    assert_eq!(
        ask(&mut scene.own, "SELECT sum(amount) FROM shop.payments"),
        "10"
    );
    drop(boss);
}

#[test]
fn nobody_helps_themselves_to_a_group() {
    let mut scene = Scene::new();
    let (mut reader, mut boss) = (scene.credential("reader"), scene.credential("boss"));
    run(
        &mut scene.own,
        "CREATE SCHEMA shop; CREATE TABLE shop.payments (amount int); CREATE SCHEMA side; CREATE TABLE side.t (n int);
         SELECT credentials.grant('reader', 'read_only', '{shop}'); SELECT credentials.grant('boss', 'owner', '{shop}');
         SELECT credentials.grant('boss', 'read_only', '{side}')",
    );
    scene.settle();
    let before = fingerprint(&mut scene.su);
    for attempt in [
        "GRANT db_reader_shop TO reader WITH ADMIN OPTION",
        "GRANT db_owner_shop TO reader",
        "GRANT reader TO db_owner_shop",
        "GRANT db_owner_shop TO boss WITH ADMIN OPTION",
        "GRANT db_reader_side TO reader",
        "REVOKE db_owner_shop FROM boss",
        "ALTER GROUP db_owner_shop ADD USER reader",
        "ALTER ROLE db_owner_shop LOGIN PASSWORD 'a-password-long-enough-for-it'",
        "ALTER ROLE db_owner_shop PASSWORD NULL",
        "ALTER ROLE db_owner_shop SET search_path = public",
        "ALTER ROLE db_reader_shop RENAME TO reader2",
        "DROP ROLE db_reader_shop",
        "CREATE ROLE db_writer_shop",
        "ALTER SCHEMA side OWNER TO db_owner_shop",
        "ALTER TABLE side.t SET SCHEMA shop",
        "SET SESSION AUTHORIZATION db_owner_shop",
        "SELECT credentials.grant('reader', 'owner', '{shop}')",
        "TABLE credentials.access_group",
    ] {
        for session in [&mut reader, &mut boss] {
            assert_eq!(outcome(session, attempt), "42501", "{attempt}");
        }
    }
    // A member of the owning group stands for the group in its schema, and nowhere else.
    for attempt in [
        "ALTER SCHEMA shop OWNER TO boss",
        "REASSIGN OWNED BY db_owner_shop TO boss",
        "ALTER SCHEMA shop RENAME TO mine",
        "CREATE SCHEMA another AUTHORIZATION db_owner_shop",
        "INSERT INTO side.t VALUES (1)",
    ] {
        assert_eq!(outcome(&mut boss, attempt), "42501", "{attempt}");
    }
    assert_eq!(outcome(&mut reader, "SET ROLE db_owner_shop"), "42501");
    assert_eq!(fingerprint(&mut scene.su), before);
}

#[test]
fn a_repair_opens_nobodys_table_through_a_view_that_somebody_left_beside_it() {
    let mut scene = Scene::new();
    let mut sly = scene.credential("sly");
    let (ghost, mut reader) = (scene.stranger("ghost", ""), scene.stranger("reader", ""));
    run(
        &mut scene.su,
        "CREATE SCHEMA shop; GRANT USAGE ON SCHEMA shop TO PUBLIC; GRANT CREATE ON SCHEMA shop TO sly, ghost;
         CREATE TABLE shop.roots AS SELECT 1 AS secret; SET ROLE ghost; CREATE TABLE shop.ghosts AS SELECT 2 AS secret",
    );
    // Once by a credential, and once by a role that is nobody's business until a superuser says so.
    for (session, name) in [(&mut sly, "sly"), (&mut reader, "reader")] {
        run(
            &mut scene.su,
            &format!("RESET ROLE; GRANT CREATE ON SCHEMA shop TO {name}"),
        );
        run(
            session,
            &format!(
                "CREATE VIEW shop.roots_{name} AS SELECT * FROM shop.roots; CREATE VIEW shop.ghosts_{name} AS SELECT * FROM shop.ghosts;
                 CREATE TABLE shop.own_{name} AS SELECT 3 AS n; CREATE VIEW shop.fair_{name} AS SELECT * FROM shop.own_{name};
                 GRANT SELECT ON shop.roots_{name}, shop.ghosts_{name}, shop.fair_{name} TO PUBLIC"
            ),
        );
    }
    drop(ghost);
    let planned = "SELECT object FROM credentials.repair_plan(include_unmanaged => true) WHERE action = 'neutralise' ORDER BY 1";
    let planned = column(&mut scene.su, planned);
    run(
        &mut scene.su,
        "SELECT credentials.repair_default(include_unmanaged => true)",
    );
    scene.settle();
    let mut closed = Vec::new();
    for name in ["sly", "reader"] {
        for table in ["roots", "ghosts"] {
            let view = format!("shop.{table}_{name}");
            for session in [&mut sly, &mut reader] {
                assert_eq!(
                    outcome(session, &format!("TABLE {view}")),
                    "42501",
                    "{view}"
                );
            }
            closed.push(view);
        }
        run(&mut reader, &format!("TABLE shop.fair_{name}"));
    }
    closed.sort();
    assert_eq!(planned, closed, "what the plan says is what happens");
}
