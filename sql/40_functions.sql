-- Functions. Each is SECURITY INVOKER: the caller's EXECUTE decides, the library takes rights for single
-- acts. @PINNED@ stands for the settings that every one of them runs with (sql/pinned), so that nothing
-- a session, a role or a database sets has a say. No argument is of type name, none is STRICT.

CREATE FUNCTION credentials.setup(default_role text DEFAULT NULL)
RETURNS credentials.made
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'setup_wrapper';
COMMENT ON FUNCTION credentials.setup(text) IS
  'Makes the default credential, the owner of this database one step below superuser, and locks PUBLIC out of the database and of schema public. default_role: a role that exists (its password, settings and limits stay, attributes that default must not have go, with a WARNING) or the name of a new one; without it the owner of the database, or, where that is a superuser, a new role <database>_owner. The password is told only where a new role was made and no key file keeps it. EXECUTE on the functions of collaborators, as a restored dump brings it, is taken from everybody else, with a WARNING. A second call changes nothing. See setup_plan() first. Superusers only.';

CREATE FUNCTION credentials.setup_plan(default_role text DEFAULT NULL)
RETURNS SETOF credentials.setup_step
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 10
@PINNED@
AS 'MODULE_PATHNAME', 'setup_plan_wrapper';
COMMENT ON FUNCTION credentials.setup_plan(text) IS
  'Lists what setup() with the same default_role would do, step by step, and does nothing. No row: setup has been done. Superusers only.';

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
  'Makes a credential: a new login role called name, with CONNECT on this database and nothing else; GRANT it what it needs. valid_for makes it a lease: it ends by itself after that time, as destroy() would end it. connection_limit: sessions at most, -1 or NULL for no limit. login => false makes it suspended until resume(). if_not_exists => true returns the credential of that name untouched where there is one. password: 24 to 64 characters, or a SCRAM-SHA-256 verifier; without it a password is generated. With a key file url() tells the password, without one it stands in this result and nowhere else. access and schemas give a preset of rights at once, as grant() would.';

CREATE FUNCTION credentials.configure(
    name text,
    connection_limit integer DEFAULT NULL,
    settings jsonb DEFAULT NULL)
RETURNS credentials.configuration
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'configure_wrapper';
COMMENT ON FUNCTION credentials.configure(text, integer, jsonb) IS
  'Changes what a credential (name) may use. connection_limit: sessions at most, -1 for no limit. settings: per-role settings in this database, such as ''{"statement_timeout": "30s"}''; a JSON null resets one; only what any user may SET. New sessions follow. NULL leaves as is, so that configure(name) alone shows what is set. On default: superusers.';

CREATE FUNCTION credentials.suspend(name text)
RETURNS credentials.status
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'suspend_wrapper';
COMMENT ON FUNCTION credentials.suspend(text) IS
  'Closes a credential (name): from the commit on nobody logs in with it, and its sessions are ended; its password, objects and rights stay. A rotation that runs ends, and the new password is the one that stays. resume() opens it again. The default credential cannot be suspended.';

CREATE FUNCTION credentials.resume(name text)
RETURNS credentials.status
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'resume_wrapper';
COMMENT ON FUNCTION credentials.resume(text) IS
  'Opens a suspended credential (name) again, with the password it had.';

CREATE FUNCTION credentials.adopt(role text, name text DEFAULT NULL)
RETURNS credentials.identity
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'adopt_wrapper';
COMMENT ON FUNCTION credentials.adopt(text, text) IS
  'Takes a role that exists under management, as it is: password, rights, settings and objects are kept. name: what the credential is called, the role''s name unless given. The password is not known to url() until the next rotate() or set_password(). Roles that are superusers, or could become one, are refused. Superusers only.';

CREATE FUNCTION credentials.release(name text)
RETURNS credentials.released
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'release_wrapper';
COMMENT ON FUNCTION credentials.release(text) IS
  'Stops managing a credential (name) and leaves its role as it is: it goes on to log in, and its stored password is forgotten. The opposite of adopt(). Superusers only.';

CREATE FUNCTION credentials.claim(confirm text)
RETURNS SETOF credentials.identity
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 10
@PINNED@
AS 'MODULE_PATHNAME', 'claim_wrapper';
COMMENT ON FUNCTION credentials.claim(text) IS
  'After a copy: binds rows that were made for another database or cluster (in a database made from the home database as template, say) to this one. What agrees is managed again, with passwords, grants and jobs as they were; the rest is reported as orphaned. Until then every other call refuses. confirm: the name of this database. Superusers only.';

CREATE FUNCTION credentials.destroy(
    name text,
    confirm text DEFAULT NULL,
    reassign_to text DEFAULT 'default')
RETURNS credentials.order_placed
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'destroy_wrapper';
COMMENT ON FUNCTION credentials.destroy(text, text, text) IS
  'Destroys a credential (name). At commit it can no longer log in; then the worker ends its sessions, gives all it owns, in every database of the cluster, to the credential reassign_to, takes back what it was granted, and drops its role. Data is never dropped. confirm must be the name of this database: without it the call refuses and tells what is at stake. See destroy_plan() first, wait() and jobs() after. The default credential cannot be destroyed.';

CREATE FUNCTION credentials.destroy_plan(name text, reassign_to text DEFAULT 'default')
RETURNS SETOF credentials.ownership_step
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 100
@PINNED@
AS 'MODULE_PATHNAME', 'destroy_plan_wrapper';
COMMENT ON FUNCTION credentials.destroy_plan(text, text) IS
  'Lists what destroy() would do to each object of a credential (name) if reassign_to became the owner, and what would keep the role from being dropped; does nothing.';

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
  'Gives a credential (name) a new password without downtime: from the commit on it logs in as the username that the result and url() tell, a twin of the role; the old password stays good until overlap is over and no session uses it, or until deadline (grace from now, or overlap where that is longer). Then the role itself takes the new password (state lingering), and the twin''s username stays good for rotation_linger. overlap => ''0'': in place at commit where the credential has no session. force => true: in place at commit in any state, and every session that began before is ended; for a password that leaked. overlap and grace: NULL for the settings rotation_overlap and rotation_grace. deadline: NULL where the old password has gone. With a key file url() tells the new password, without one it stands in this result and nowhere else.';

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
  'Rotates every credential, default first, a row each with the username that logs in. force, grace and overlap are as in rotate(). older_than => ''30 days'' leaves out those rotated since. Credentials that are rotating, suspended, destroying or orphaned are left as they are and shown with their state.';

CREATE FUNCTION credentials.set_password(name text, password text DEFAULT NULL)
RETURNS credentials.new_password
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'set_password_wrapper';
COMMENT ON FUNCTION credentials.set_password(text, text) IS
  'Changes the password of a credential (name) in place at commit; its sessions go on. password: 24 to 64 characters without quotes and control characters, or a SCRAM-SHA-256 verifier, whose password url() cannot tell; NULL generates one. Refused up to the cut-over of a rotation. A statement with a password in it may be logged by the server: prefer NULL. On default: superusers.';

CREATE FUNCTION credentials.extend(name text, valid_for interval)
RETURNS credentials.lease
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'extend_wrapper';
COMMENT ON FUNCTION credentials.extend(text, interval) IS
  'Lets a lease (name, a credential made with valid_for) end valid_for from now, sooner or later than before.';

CREATE FUNCTION credentials.repair_default(include_unmanaged boolean DEFAULT false, keep_access boolean DEFAULT false)
RETURNS credentials.order_placed
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'repair_default_wrapper';
COMMENT ON FUNCTION credentials.repair_default(boolean, boolean) IS
  'Makes the default credential the owner of what other credentials, superusers and dropped roles own in this database, and restores its attributes, memberships and rights. include_unmanaged => true takes objects of roles that are no credentials too (superusers). keep_access => true leaves the former owners their rights on what they owned. Members of extensions, and code that a superuser owns, stay. Done by the worker in small batches: see repair_plan() first, wait() and jobs() after.';

CREATE FUNCTION credentials.repair_plan(include_unmanaged boolean DEFAULT false)
RETURNS SETOF credentials.ownership_step
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 100
@PINNED@
AS 'MODULE_PATHNAME', 'repair_plan_wrapper';
COMMENT ON FUNCTION credentials.repair_plan(boolean) IS
  'Lists what repair_default() with the same include_unmanaged would do, a row for each right and object, and does nothing.';

CREATE FUNCTION credentials.cancel_job(job bigint)
RETURNS credentials.job_state
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'cancel_job_wrapper';
COMMENT ON FUNCTION credentials.cancel_job(bigint) IS
  'Cancels a destroy or a repair by its number (job, as in jobs()). What was moved stays moved; a credential that was being destroyed is suspended then: resume() or destroy() it again. A rotation cannot be cancelled.';

CREATE FUNCTION credentials.wait(name text DEFAULT NULL, timeout interval DEFAULT '5 min')
RETURNS credentials.status
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'wait_wrapper';
COMMENT ON FUNCTION credentials.wait(text, interval) IS
  'Waits until no work is left for a credential (name), or for any where name is NULL: a rotation''s cut-over done and the sessions of the old password ended (not the linger), sessions ended after suspend(), a destroyed role gone (state destroyed), a repair done. After timeout it fails (55P03) and the work goes on. Call it in a transaction of its own, after the commit of what it waits for.';

CREATE FUNCTION credentials.reseal()
RETURNS SETOF credentials.resealed
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 10
@PINNED@
AS 'MODULE_PATHNAME', 'reseal_wrapper';
COMMENT ON FUNCTION credentials.reseal() IS
  'Seals every stored password with the first key of the key file, a row for each that was not; after that older keys can be taken out of the file. Superusers only.';

CREATE FUNCTION credentials.list()
RETURNS SETOF credentials.listed
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 100
@PINNED@
AS 'MODULE_PATHNAME', 'list_wrapper';
COMMENT ON FUNCTION credentials.list() IS
  'All credentials, default first: state, limits, sessions, and when each was made, rotated and last seen to log in. username is the role to log in with, the twin''s while a rotation drains; protected ones cannot be destroyed; read_only ones hold rights on tables, and none but SELECT; connection_limit -1 means none. attachments and access are empty until apps and access presets are built.';

CREATE FUNCTION credentials.usernames(name text DEFAULT NULL)
RETURNS SETOF credentials.username
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 100
@PINNED@
AS 'MODULE_PATHNAME', 'usernames_wrapper';
COMMENT ON FUNCTION credentials.usernames(text) IS
  'The role names to log in with, of a credential (name) or of all, with their states and sessions: active; enabling (a rotation''s new username, while a standby has yet to replay it); revoking (its password, or the name itself, is going); retiring (the twin''s username after the cut-over, good for rotation_linger).';

CREATE FUNCTION credentials.url(name text DEFAULT 'default', endpoint text DEFAULT 'leader')
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'url_wrapper';
COMMENT ON FUNCTION credentials.url(text, text) IS
  'The URL to log in with a credential (name): postgres://user:password@host:port/database?sslmode=require, percent-encoded. endpoint: which host and port; leader, the one of the settings credential_manager.host, port and sslmode, is the only one so far. Where no password is stored the URL comes without it, with a NOTICE. Telling a password is recorded in events().';

CREATE FUNCTION credentials.connection_info(name text DEFAULT 'default', endpoint text DEFAULT 'leader')
RETURNS credentials.connection
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'connection_info_wrapper';
COMMENT ON FUNCTION credentials.connection_info(text, text) IS
  'All that a client needs to log in with a credential (name) at an endpoint (leader, as in url()): the parts, a libpq connection string, the URL and the JDBC URL. The password is in the last three where it is stored; telling it is recorded in events().';

CREATE FUNCTION credentials.jobs()
RETURNS SETOF credentials.job_report
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 100
@PINNED@
AS 'MODULE_PATHNAME', 'jobs_wrapper';
COMMENT ON FUNCTION credentials.jobs() IS
  'The worker''s jobs: what is under way, how far it is, and in message what a waiting or blocked one waits for. done and total count objects; eta is a guess from how long they took so far. Jobs that are over stay for a day.';

CREATE FUNCTION credentials.events(
    name text DEFAULT NULL,
    since timestamptz DEFAULT NULL,
    after bigint DEFAULT NULL)
RETURNS SETOF credentials.event_report
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 1000
@PINNED@
AS 'MODULE_PATHNAME', 'events_wrapper';
COMMENT ON FUNCTION credentials.events(text, timestamptz, bigint) IS
  'The audit trail, oldest first: who did what to which credential, by whose rights, from where. Filters: name (a credential, also one that is gone), since (a time), after (an id, to read on from the last one seen). NULL: all.';

CREATE FUNCTION credentials.grant(name text, access text, schemas text[] DEFAULT '{public}')
RETURNS SETOF credentials.access_given
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 10
@PINNED@
AS 'MODULE_PATHNAME', 'grant_wrapper';
COMMENT ON FUNCTION credentials.grant(text, text, text[]) IS
  'Gives a credential (name) a preset of rights (access) on schemas: read_only (USAGE, SELECT), read_write (and INSERT, UPDATE, DELETE, USAGE of sequences) or owner (and CREATE, and a share in what the schema holds). It holds for what is in the schema and for what anybody makes there later. schemas => ''{*}'': every schema there is and will be, but the system''s and credentials. One preset a credential and schema: the one before is replaced, and told in was. The rights are held by a group (db_reader_<schema>, db_writer_<schema>, db_owner_<schema>); the credential becomes its member.';

CREATE FUNCTION credentials.revoke(
    name text,
    access text DEFAULT NULL,
    schemas text[] DEFAULT '{public}')
RETURNS SETOF credentials.access_taken
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 10
@PINNED@
AS 'MODULE_PATHNAME', 'revoke_wrapper';
COMMENT ON FUNCTION credentials.revoke(text, text, text[]) IS
  'Takes from a credential (name) the preset that grant() gave it on schemas; with access only where it is that one. schemas => NULL: on all. A row for each that was taken. Rights that were given by plain GRANT stay.';

CREATE FUNCTION credentials.table_privileges(name text DEFAULT NULL)
RETURNS SETOF credentials.table_privilege
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 1000
@PINNED@
AS 'MODULE_PATHNAME', 'table_privileges_wrapper';
COMMENT ON FUNCTION credentials.table_privileges(text) IS
  'Who may do what with which table, view, materialized view, foreign or partitioned table: a row for each role and relation with the privileges that the role has, directly, through groups, PUBLIC, ownership or predefined roles. name: one credential; NULL: all roles. What row policies filter is in why().';

CREATE FUNCTION credentials.schema_privileges(name text DEFAULT NULL)
RETURNS SETOF credentials.schema_privilege
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 100
@PINNED@
AS 'MODULE_PATHNAME', 'schema_privileges_wrapper';
COMMENT ON FUNCTION credentials.schema_privileges(text) IS
  'Who may use and who may create in which schema: a row for each role and schema. name: one credential; NULL: all roles.';

CREATE FUNCTION credentials.why(object text, privilege text DEFAULT 'SELECT', name text DEFAULT NULL)
RETURNS SETOF credentials.reason
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 10
@PINNED@
AS 'MODULE_PATHNAME', 'why_wrapper';
COMMENT ON FUNCTION credentials.why(text, text, text) IS
  'Why a credential (name), or each role that can, has a privilege on an object: every way by which it comes to it, in steps. via: superuser, membership (one a hop), ownership, grant, PUBLIC, predefined role; then missing (USAGE of the schema), row policy (one that filters) and row security (why none does, or no row is left). object: a table, view, sequence, function, schema or this database as SQL writes it, such as shop.orders, shop.total(integer), schema shop; a name without a schema is one of schema public, then a schema, then the database. No row for a role that has not got it.';

CREATE FUNCTION credentials.layout(
    kind text,
    app text,
    schema text DEFAULT NULL,
    environment text DEFAULT NULL)
RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'layout_wrapper';
COMMENT ON FUNCTION credentials.layout(text, text, text, text) IS
  'A complete set-up for an app, as a spec to read, change and hand to plan() and apply(). kind: owner_writer_reader (groups db_owner_<app>, db_writer_<app>, db_reader_<app>; logins deploy_<app>, app_<app>, analyst_<app>, monitor) or four_roles (<app>_user, <app>_migrator, <app>_readonly, and for a superuser dba). schema: where the app''s tables are, the app''s name without it. environment: each name ends with _<environment>. Nothing is changed.';

CREATE FUNCTION credentials.plan(spec jsonb)
RETURNS SETOF credentials.plan_step
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 100
@PINNED@
AS 'MODULE_PATHNAME', 'plan_wrapper';
COMMENT ON FUNCTION credentials.plan(jsonb) IS
  'The statements that apply() would run to bring about what a spec says, in order; no row: all of it is so already. Nothing is changed. Keys: schemas, groups, credentials, tenants, from; see docs/permissions.md.';

CREATE FUNCTION credentials.apply(spec jsonb)
RETURNS SETOF credentials.applied_step
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 100
@PINNED@
AS 'MODULE_PATHNAME', 'apply_wrapper';
COMMENT ON FUNCTION credentials.apply(jsonb) IS
  'Brings about what a spec says, in this transaction, and lists what was done. What is so already is left alone: a second call writes nothing. What the spec does not name stays as it is, but in a schema that it calls authoritative. password: of a credential that was made, where no key file keeps it.';

CREATE FUNCTION credentials.export()
RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'export_wrapper';
COMMENT ON FUNCTION credentials.export() IS
  'The present state as a spec: schemas with an owner group, groups, credentials with their access, rights, limits and settings, tenants. plan(export()) is empty.';

CREATE FUNCTION credentials.check()
RETURNS SETOF credentials.finding
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 10
@PINNED@
AS 'MODULE_PATHNAME', 'check_wrapper';
COMMENT ON FUNCTION credentials.check() IS
  'What a careful DBA would look at: each finding with its severity (high, medium or low), a code, the object, what is the matter, and the statement that mends it. A finding goes when the statement has been run. Nothing is changed.';

CREATE FUNCTION credentials.diagram()
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'diagram_wrapper';
COMMENT ON FUNCTION credentials.diagram() IS
  'Credentials, groups, schemas and what binds them as a Mermaid graph, to be pasted where Mermaid is drawn. Nothing secret is in it.';

CREATE FUNCTION credentials.install_extension(extension text, schema text DEFAULT NULL, version text DEFAULT NULL)
RETURNS credentials.installed_extension
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'install_extension_wrapper';
COMMENT ON FUNCTION credentials.install_extension(text, text, text) IS
  'Installs an extension that is supported: a trusted one, by the caller''s own right to CREATE in the database, or one that the setting credential_manager.supported_extensions names, by a superuser''s right. schema: a new one, which is made and stays a superuser''s, or one that is the superusers'' alone; without it one of the extension''s name (ext_pg_trgm where that starts with pg_). The default credential may use the schema, and let others use it. version: the default one without it. Never CASCADE: what the extension requires is to be installed first. One that is there as asked for is returned as it is.';

CREATE FUNCTION credentials.attach(name text, app text, as_name text DEFAULT NULL, endpoint text DEFAULT 'leader')
RETURNS credentials.attached
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'attach_wrapper';
COMMENT ON FUNCTION credentials.attach(text, text, text, text) IS
  'Gives a credential (name) to an app: the app has its URL in a config variable from the commit on, and follows its rotations. as_name: the variable is as_name with _URL; without it DATABASE_URL where the app has none, else POSTGRESQL_COLOR_URL. endpoint: where the URL leads to, as in set_endpoint(). An app needs nothing else to exist. Needs a key file, since the URL must be told again.';

CREATE FUNCTION credentials.detach(config_var text, app text)
RETURNS credentials.detached
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'detach_wrapper';
COMMENT ON FUNCTION credentials.detach(text, text) IS
  'Takes a config variable (config_var, with or without _URL) from an app. The credential stays as it is; sessions that the app has go on.';

CREATE FUNCTION credentials.attachments(app text DEFAULT NULL)
RETURNS SETOF credentials.attachment_report
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 100
@PINNED@
AS 'MODULE_PATHNAME', 'attachments_wrapper';
COMMENT ON FUNCTION credentials.attachments(text) IS
  'Which credentials are attached to an app, or to any: the config variable, the endpoint, and since when. No password is told.';

CREATE FUNCTION credentials.config_vars(app text)
RETURNS SETOF credentials.config_var
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 10
@PINNED@
AS 'MODULE_PATHNAME', 'config_vars_wrapper';
COMMENT ON FUNCTION credentials.config_vars(text) IS
  'The config variables of an app with their values: URLs to log in with, as of now; in a rotation they change with its transaction. Telling them is recorded in events(). LISTEN credentials tells when to ask again.';

CREATE FUNCTION credentials.set_endpoint(endpoint text, host text, port integer DEFAULT 5432, sslmode text DEFAULT 'require')
RETURNS credentials.server_endpoint
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'set_endpoint_wrapper';
COMMENT ON FUNCTION credentials.set_endpoint(text, text, integer, text) IS
  'Makes or changes an endpoint, a host and port that URLs lead to: leader (instead of the settings credential_manager.host, port and sslmode), or a pool by any name of lower-case letters, digits and hyphens. URLs that lead there change at commit.';

CREATE FUNCTION credentials.drop_endpoint(endpoint text)
RETURNS credentials.server_endpoint
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'drop_endpoint_wrapper';
COMMENT ON FUNCTION credentials.drop_endpoint(text) IS
  'Forgets an endpoint that no attachment uses. leader is then again what the settings say.';

CREATE FUNCTION credentials.endpoints()
RETURNS SETOF credentials.server_endpoint
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 10
@PINNED@
AS 'MODULE_PATHNAME', 'endpoints_wrapper';
COMMENT ON FUNCTION credentials.endpoints() IS
  'The endpoints that URLs can lead to, leader first.';

CREATE FUNCTION credentials.add_collaborator(collaborator text, app text, permissions text[])
RETURNS credentials.collaboration
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'add_collaborator_wrapper';
COMMENT ON FUNCTION credentials.add_collaborator(text, text, text[]) IS
  'Gives a role (collaborator) permissions on an app: view, deploy, operate, manage, each of which includes view. It gets CONNECT, USAGE on schema credentials and EXECUTE on what it may call with them. By default, a superuser, or who has manage on the app; nobody gives what he lacks. Superusers, members of default, groups of presets and rotating twins cannot be collaborators. What each permission opens is in docs/collaborators.md.';

CREATE FUNCTION credentials.update_collaborator(collaborator text, app text, permissions text[])
RETURNS credentials.collaboration
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'update_collaborator_wrapper';
COMMENT ON FUNCTION credentials.update_collaborator(text, text, text[]) IS
  'Changes the permissions that a role (collaborator) has on an app to these, at once and in open sessions too. Nobody gives what he lacks; what the role has already may stay. Rights that somebody took from it by hand are given back.';

CREATE FUNCTION credentials.remove_collaborator(collaborator text, app text)
RETURNS credentials.collaboration
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER
@PINNED@
AS 'MODULE_PATHNAME', 'remove_collaborator_wrapper';
COMMENT ON FUNCTION credentials.remove_collaborator(text, text) IS
  'Takes from a role (collaborator) all permissions on an app, at once and in open sessions too; with the last app the rights that came with them, and none that it had before. A role that was renamed is found by either name. The result tells what it had.';

CREATE FUNCTION credentials.collaborators(app text DEFAULT NULL)
RETURNS SETOF credentials.collaboration
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 100
@PINNED@
AS 'MODULE_PATHNAME', 'collaborators_wrapper';
COMMENT ON FUNCTION credentials.collaborators(text) IS
  'Who has which permissions on an app, or on any. A collaborator sees those of his apps.';

CREATE FUNCTION credentials.pgbouncer_auth(username text)
RETURNS SETOF credentials.pooler_login
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 1
@PINNED@
AS 'MODULE_PATHNAME', 'pgbouncer_auth_wrapper';
COMMENT ON FUNCTION credentials.pgbouncer_auth(text) IS
  'For auth_query of PgBouncer: the verifier of a username, also of a rotation''s twin. No row for what is not managed, cannot log in or has expired. A superuser gives the pooler''s role EXECUTE, USAGE on schema credentials and CONNECT.';

CREATE FUNCTION credentials.metrics()
RETURNS SETOF credentials.metric
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY INVOKER ROWS 100
@PINNED@
AS 'MODULE_PATHNAME', 'metrics_wrapper';
COMMENT ON FUNCTION credentials.metrics() IS
  'Figures for monitoring: credentials by state, credential_age_seconds, credential_connections by username, jobs by kind and state, job_done_ratio, rotation_seconds_left, events_total by action. No secret is in it.';
