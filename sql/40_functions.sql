-- Functions. Each is SECURITY INVOKER: the caller's EXECUTE decides, the library takes rights for single
-- acts. @PINNED@ stands for the settings that every one of them runs with (sql/pinned), so that nothing
-- a session, a role or a database sets has a say. No argument is of type name, none is STRICT.

CREATE FUNCTION credentials.setup(default_role text DEFAULT NULL)
RETURNS credentials.made
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'setup_wrapper';
COMMENT ON FUNCTION credentials.setup(text) IS
  'Makes the default credential and locks PUBLIC out of the home database. default_role: a role that exists (kept as it is, but for the attributes that default must not have) or a new one; without it the owner of the database, or, where that is a superuser, a new role <database>_owner. A second call changes nothing. Superusers only.';

CREATE FUNCTION credentials.setup_plan(default_role text DEFAULT NULL)
RETURNS SETOF credentials.setup_step
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 10
@PINNED@
AS 'MODULE_PATHNAME', 'setup_plan_wrapper';
COMMENT ON FUNCTION credentials.setup_plan(text) IS
  'Lists what setup() with the same argument would do, and does nothing. Superusers only.';

CREATE FUNCTION credentials.create(
    name text,
    access text DEFAULT NULL,
    schemas text[] DEFAULT '{public}',
    valid_for interval DEFAULT NULL,
    connection_limit integer DEFAULT NULL,
    login boolean DEFAULT true,
    if_not_exists boolean DEFAULT false,
    password text DEFAULT NULL)
RETURNS credentials.made
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'create_wrapper';
COMMENT ON FUNCTION credentials.create(text, text, text[], interval, integer, boolean, boolean, text) IS
  'Makes a credential: a new login role with CONNECT on the home database and nothing else. valid_for makes it a lease that ends by itself; login => false makes it suspended until resume(); if_not_exists returns the credential that is there, untouched; password takes 24 to 64 characters or a SCRAM-SHA-256 verifier instead of a generated password. With a key file the password is told by url(), without one here and never again. access is not built yet.';

CREATE FUNCTION credentials.configure(
    name text,
    connection_limit integer DEFAULT NULL,
    settings jsonb DEFAULT NULL)
RETURNS credentials.configuration
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'configure_wrapper';
COMMENT ON FUNCTION credentials.configure(text, integer, jsonb) IS
  'Changes a credential''s connection limit (-1: none) and its settings in the home database, such as ''{"statement_timeout": "30s"}''; a JSON null resets one. NULL leaves as is.';

CREATE FUNCTION credentials.suspend(name text)
RETURNS credentials.status
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'suspend_wrapper';
COMMENT ON FUNCTION credentials.suspend(text) IS
  'Closes a credential: nobody logs in with it from the commit on, its sessions are ended, its objects, rights and password stay. resume() opens it again.';

CREATE FUNCTION credentials.resume(name text)
RETURNS credentials.status
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'resume_wrapper';
COMMENT ON FUNCTION credentials.resume(text) IS
  'Opens a suspended credential again, with the password it had.';

CREATE FUNCTION credentials.adopt(role text, name text DEFAULT NULL)
RETURNS credentials.identity
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'adopt_wrapper';
COMMENT ON FUNCTION credentials.adopt(text, text) IS
  'Manages a login role that exists, as it is: password, rights, settings and objects are kept. Its password is not known until the next rotate() or set_password(). Superusers only.';

CREATE FUNCTION credentials.release(name text)
RETURNS credentials.released
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'release_wrapper';
COMMENT ON FUNCTION credentials.release(text) IS
  'Stops managing a credential and leaves its role as it is. Superusers only.';

CREATE FUNCTION credentials.claim(confirm text)
RETURNS SETOF credentials.identity
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 10
@PINNED@
AS 'MODULE_PATHNAME', 'claim_wrapper';
COMMENT ON FUNCTION credentials.claim(text) IS
  'Binds the rows of a foreign cluster (a copy of the data directory, a database made from this one as template) to this one: what agrees is managed again with passwords, grants and jobs as they were, the rest is reported as orphaned. confirm is the name of the home database. Superusers only.';

CREATE FUNCTION credentials.destroy(
    name text,
    confirm text DEFAULT NULL,
    reassign_to text DEFAULT 'default')
RETURNS credentials.order_placed
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'destroy_wrapper';
COMMENT ON FUNCTION credentials.destroy(text, text, text) IS
  'Destroys a credential: closes it at commit, then the worker ends its sessions, moves all it owns in every database to reassign_to, removes what it was granted, and drops the role. Data is never dropped. confirm is the name of the home database. See destroy_plan() first, wait() after.';

CREATE FUNCTION credentials.destroy_plan(name text, reassign_to text DEFAULT 'default')
RETURNS SETOF credentials.ownership_step
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 100
@PINNED@
AS 'MODULE_PATHNAME', 'destroy_plan_wrapper';
COMMENT ON FUNCTION credentials.destroy_plan(text, text) IS
  'Lists what destroy() would do with each object, and what would keep the role from going; does nothing.';

CREATE FUNCTION credentials.rotate(
    name text DEFAULT 'default',
    force boolean DEFAULT false,
    grace interval DEFAULT NULL,
    overlap interval DEFAULT NULL)
RETURNS credentials.rotation
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'rotate_wrapper';
COMMENT ON FUNCTION credentials.rotate(text, boolean, interval, interval) IS
  'Gives a credential a new password. force => true: in place at commit, every session that began before is ended; for a leaked password. overlap => ''0'': in place at commit where no session is left. A rotation with overlap is not built yet.';

CREATE FUNCTION credentials.rotate_all(
    force boolean DEFAULT false,
    grace interval DEFAULT NULL,
    overlap interval DEFAULT NULL,
    older_than interval DEFAULT NULL)
RETURNS SETOF credentials.rotation
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 100
@PINNED@
AS 'MODULE_PATHNAME', 'rotate_all_wrapper';
COMMENT ON FUNCTION credentials.rotate_all(boolean, interval, interval, interval) IS
  'Rotates every credential, default first, a row each; those that are rotating, suspended or destroying are left out, a row with their state. older_than leaves out those rotated since.';

CREATE FUNCTION credentials.set_password(name text, password text DEFAULT NULL)
RETURNS credentials.new_password
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'set_password_wrapper';
COMMENT ON FUNCTION credentials.set_password(text, text) IS
  'Changes a credential''s password in place at commit; sessions go on. password: 24 to 64 characters, or a SCRAM-SHA-256 verifier; NULL generates one. On default: superusers only.';

CREATE FUNCTION credentials.extend(name text, valid_for interval)
RETURNS credentials.lease
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'extend_wrapper';
COMMENT ON FUNCTION credentials.extend(text, interval) IS
  'Lets a lease end valid_for from now.';

CREATE FUNCTION credentials.repair_default(include_unmanaged boolean DEFAULT false, keep_access boolean DEFAULT false)
RETURNS credentials.order_placed
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'repair_default_wrapper';
COMMENT ON FUNCTION credentials.repair_default(boolean, boolean) IS
  'Makes the default credential the owner of what credentials, superusers and vanished roles own in the home database, and restores its attributes, memberships and rights. include_unmanaged takes other roles'' objects too (superusers only); keep_access leaves the former owner its rights on what it owned. See repair_plan() first, wait() after.';

CREATE FUNCTION credentials.repair_plan(include_unmanaged boolean DEFAULT false)
RETURNS SETOF credentials.ownership_step
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 100
@PINNED@
AS 'MODULE_PATHNAME', 'repair_plan_wrapper';
COMMENT ON FUNCTION credentials.repair_plan(boolean) IS
  'Lists what repair_default() would do with each object, and does nothing.';

CREATE FUNCTION credentials.cancel_job(job bigint)
RETURNS credentials.job_state
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'cancel_job_wrapper';
COMMENT ON FUNCTION credentials.cancel_job(bigint) IS
  'Cancels a destroy or a repair: what moved stays moved; a credential that was being destroyed is suspended then.';

CREATE FUNCTION credentials.wait(name text DEFAULT NULL, timeout interval DEFAULT '5 min')
RETURNS credentials.status
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'wait_wrapper';
COMMENT ON FUNCTION credentials.wait(text, interval) IS
  'Waits until nothing is due for a credential, or for any: a forced rotation''s old sessions ended, a destroyed role gone (state destroyed), a repair done.';

CREATE FUNCTION credentials.reseal()
RETURNS SETOF credentials.resealed
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 10
@PINNED@
AS 'MODULE_PATHNAME', 'reseal_wrapper';
COMMENT ON FUNCTION credentials.reseal() IS
  'Seals every stored password with the first key of the key file, so that an older key can be taken out; a row for each credential that was sealed anew. Superusers only.';

CREATE FUNCTION credentials.list()
RETURNS SETOF credentials.listed
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 100
@PINNED@
AS 'MODULE_PATHNAME', 'list_wrapper';
COMMENT ON FUNCTION credentials.list() IS
  'All credentials with their state, limits, sessions and ages.';

CREATE FUNCTION credentials.usernames(name text DEFAULT NULL)
RETURNS SETOF credentials.username
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 100
@PINNED@
AS 'MODULE_PATHNAME', 'usernames_wrapper';
COMMENT ON FUNCTION credentials.usernames(text) IS
  'The role names to log in with, their states and how many sessions each has.';

CREATE FUNCTION credentials.url(name text DEFAULT 'default', endpoint text DEFAULT 'leader')
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'url_wrapper';
COMMENT ON FUNCTION credentials.url(text, text) IS
  'The URL to log in with a credential: postgres://user:password@host:port/database?sslmode=require, percent-encoded. Follows every rotation.';

CREATE FUNCTION credentials.connection_info(name text DEFAULT 'default', endpoint text DEFAULT 'leader')
RETURNS credentials.connection
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'connection_info_wrapper';
COMMENT ON FUNCTION credentials.connection_info(text, text) IS
  'All that a client needs to log in with a credential: parts, conninfo string, URL and JDBC URL. Tells the password where it is stored.';

CREATE FUNCTION credentials.jobs()
RETURNS SETOF credentials.job_report
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 100
@PINNED@
AS 'MODULE_PATHNAME', 'jobs_wrapper';
COMMENT ON FUNCTION credentials.jobs() IS
  'Work in progress, and what it waits for; finished jobs for a day.';

CREATE FUNCTION credentials.events(
    name text DEFAULT NULL,
    since timestamptz DEFAULT NULL,
    after bigint DEFAULT NULL)
RETURNS SETOF credentials.event_report
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 1000
@PINNED@
AS 'MODULE_PATHNAME', 'events_wrapper';
COMMENT ON FUNCTION credentials.events(text, timestamptz, bigint) IS
  'The audit trail, oldest first: of one credential, since a time, after an event.';
