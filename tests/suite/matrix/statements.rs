//! What everybody tries. `$S` is the schema, `$T` a table in it; the parts' names stand for their logins.

/// On each table.
const ON_TABLES: [&str; 31] = [
    "SELECT count(*) FROM $S.$T",
    "SELECT id FROM $S.$T FOR UPDATE",
    "INSERT INTO $S.$T (id, note) VALUES (-1, 'x')",
    "INSERT INTO $S.$T (note) VALUES ('x')",
    "INSERT INTO $S.$T (id, note) VALUES (-1, 'x') RETURNING id",
    "UPDATE $S.$T SET note = 'y'",
    "DELETE FROM $S.$T WHERE id = 1",
    "DELETE FROM $S.$T",
    "TRUNCATE $S.$T",
    "LOCK TABLE $S.$T IN ACCESS EXCLUSIVE MODE",
    "ALTER TABLE $S.$T ADD COLUMN extra int",
    "ALTER TABLE $S.$T RENAME TO renamed",
    "ALTER TABLE $S.$T OWNER TO CURRENT_USER",
    "ALTER TABLE $S.$T ENABLE ROW LEVEL SECURITY",
    "CREATE INDEX ON $S.$T (note)",
    "CREATE RULE r AS ON DELETE TO $S.$T DO INSTEAD NOTHING",
    "CREATE TABLE $S.child (id int REFERENCES $S.$T (id))",
    "CREATE VIEW $S.another AS SELECT * FROM $S.$T",
    "COMMENT ON TABLE $S.$T IS 'x'",
    "GRANT SELECT ON $S.$T TO PUBLIC",
    "ANALYZE $S.$T; SELECT 1/count(*) FROM $S.$T",
    "DROP TABLE $S.$T CASCADE",
    "COPY $S.$T (id, note) TO STDOUT",
    "COPY $S.$T (id, note) FROM STDIN",
    "SELECT nextval('$S.$T_id_seq')",
    "SELECT last_value FROM $S.$T_id_seq",
    "SELECT setval('$S.$T_id_seq', 100)",
    "SELECT count(*) FROM $S.$T_view",
    "UPDATE $S.$T_view SET note = 'z'",
    "REFRESH MATERIALIZED VIEW $S.$T_kept",
    "SELECT $S.$T_count(), (SELECT count(*) FROM $S.$T_kept), (SELECT count(*) FROM $S.$T_copy)",
];

/// Once.
const ONCE: [&str; 30] = [
    "CREATE TABLE $S.made (n int); INSERT INTO $S.made VALUES (1); DROP TABLE $S.made",
    "CREATE FUNCTION $S.made() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SEQUENCE $S.made",
    "CREATE TYPE $S.made AS ENUM ('a')",
    "CREATE TABLE public.made (n int)",
    "CREATE TEMP TABLE made (n int)",
    "SELECT count(*) FROM public.shared",
    "CREATE SCHEMA mine",
    "ALTER SCHEMA $S RENAME TO mine",
    "DROP SCHEMA $S CASCADE",
    "GRANT ALL ON SCHEMA $S TO PUBLIC; SET LOCAL ROLE $writer; CREATE TABLE $S.made (n int)",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA $S GRANT ALL ON TABLES TO PUBLIC",
    "CREATE ROLE mine",
    "CREATE EXTENSION hstore SCHEMA $S",
    "CREATE EXTENSION dblink SCHEMA $S",
    "ALTER DATABASE app SET work_mem = '8MB'",
    "ALTER ROLE CURRENT_USER CREATEDB",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "ALTER ROLE $writer PASSWORD NULL",
    "GRANT $ddl TO $writer",
    "SET ROLE $writer",
    "SET ROLE $ddl",
    "SET ROLE $reader",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "SELECT count(*) FROM pg_authid",
    "SELECT pg_read_file('PG_VERSION')",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres' AND application_name = 'watched'",
    // Division by zero where the query of another session is hidden.
    "SELECT 1 / (query <> '<insufficient privilege>')::int FROM pg_stat_activity WHERE application_name = 'watched'",
];

/// All statements, on a schema and its tables.
pub fn all(schema: &str, tables: &[&str]) -> Vec<String> {
    let on_tables = tables
        .iter()
        .flat_map(|table| ON_TABLES.map(|sql| sql.replace("$T", table)));
    on_tables
        .chain(ONCE.map(str::to_owned))
        .map(|sql| sql.replace("$S", schema))
        .collect()
}

/// A table and what stands on it, as a migration makes them.
pub fn migration(schema: &str, table: &str) -> String {
    "CREATE TABLE $S.$T (id serial PRIMARY KEY, note text);
     INSERT INTO $S.$T (note) VALUES ('a'), ('b');
     CREATE VIEW $S.$T_view AS SELECT id, note FROM $S.$T;
     CREATE MATERIALIZED VIEW $S.$T_kept AS SELECT id FROM $S.$T;
     CREATE TABLE $S.$T_copy AS SELECT id FROM $S.$T;
     CREATE FUNCTION $S.$T_count() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM $S.$T';"
        .replace("$S", schema)
        .replace("$T", table)
}

/// What stands beside the application in both databases: a table that is everybody's, if schema public is.
pub const BESIDE: &str =
    "CREATE TABLE public.shared (n int); GRANT SELECT ON public.shared TO PUBLIC";
