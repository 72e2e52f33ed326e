//! One object of every class.

/// One object of every class that a credential can make itself, in a schema of its own.
pub fn everything(schema: &str) -> String {
    format!(
        "CREATE SCHEMA \"{schema}\"; SET search_path = \"{schema}\";
         CREATE TABLE plain (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n serial, word text, shape point);
         CREATE INDEX plain_word ON plain (md5(word)); CREATE INDEX plain_shape ON plain USING gist (shape);
         INSERT INTO plain (word) SELECT repeat('x', i % 50) || i FROM generate_series(1, 100) i;
         INSERT INTO plain (word) VALUES ((SELECT string_agg(md5(i::text), '') FROM generate_series(1, 400) i));
         CREATE STATISTICS plain_statistics ON n, word FROM plain;
         COMMENT ON TABLE plain IS 'of {schema}';
         CREATE TABLE years (at date NOT NULL, v int, PRIMARY KEY (at)) PARTITION BY RANGE (at);
         CREATE TABLE years_1 PARTITION OF years FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
         CREATE TABLE years_2 PARTITION OF years DEFAULT;
         INSERT INTO years VALUES ('2020-05-05', 1), ('1999-01-01', 2);
         CREATE TABLE parent (a int); CREATE TABLE child (b int) INHERITS (parent); INSERT INTO child VALUES (1, 2);
         CREATE VIEW seen AS SELECT id, word FROM plain; CREATE VIEW seen_twice AS SELECT id FROM seen;
         CREATE MATERIALIZED VIEW kept AS SELECT count(*) AS n FROM plain; CREATE UNIQUE INDEX kept_n ON kept (n);
         CREATE SEQUENCE counter; SELECT nextval('counter');
         CREATE TYPE pair AS (a int, b text); CREATE TYPE mood AS ENUM ('good', 'bad');
         CREATE DOMAIN small AS int CHECK (VALUE < 100); CREATE TYPE span AS RANGE (subtype = float8);
         CREATE TABLE typed (p pair, m mood, s small, r span, rs span_multirange);
         INSERT INTO typed VALUES ((1, 'x'), 'good', 7, '[1,2)', '{{[1,2),[3,4)}}');
         CREATE FUNCTION twice(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * i';
         CREATE PROCEDURE nothing() LANGUAGE plpgsql AS 'BEGIN NULL; END';
         CREATE AGGREGATE added(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
         CREATE FUNCTION near(int, int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT abs($1 - $2) < 2';
         CREATE OPERATOR =~= (FUNCTION = near, LEFTARG = int, RIGHTARG = int);
         CREATE FUNCTION changed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER on_plain BEFORE UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION changed();
         CREATE RULE on_parent AS ON DELETE TO parent DO ALSO NOTHING;
         CREATE COLLATION sorted (provider = libc, locale = 'C');
         CREATE CONVERSION narrowed FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;
         CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = simple);
         CREATE TEXT SEARCH CONFIGURATION search (COPY = simple);
         SELECT lo_from_bytea(0, convert_to('large in {schema}', 'UTF8'));
         ALTER TABLE plain ENABLE ROW LEVEL SECURITY; CREATE POLICY everyone ON plain USING (true);
         CREATE PUBLICATION \"publication of {schema}\" FOR TABLE plain;
         CREATE SERVER \"server of {schema}\" FOREIGN DATA WRAPPER wrapper;
         CREATE USER MAPPING FOR CURRENT_USER SERVER \"server of {schema}\" OPTIONS (password 'kept');
         CREATE FOREIGN TABLE far (i int) SERVER \"server of {schema}\";
         ALTER DEFAULT PRIVILEGES IN SCHEMA \"{schema}\" GRANT SELECT ON TABLES TO PUBLIC; RESET search_path;"
    )
}

/// What a superuser adds in the same schema: classes that others may own but not make.
pub fn made_by_superuser(schema: &str, owner: &str) -> String {
    format!(
        "SET search_path = \"{schema}\";
         CREATE OPERATOR FAMILY family USING btree; ALTER OPERATOR FAMILY family USING btree OWNER TO \"{owner}\";
         CREATE OPERATOR CLASS ops FOR TYPE int USING btree FAMILY family AS
           OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(int, int);
         ALTER OPERATOR CLASS ops USING btree OWNER TO \"{owner}\"; RESET search_path;"
    )
}
