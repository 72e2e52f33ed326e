-- Tables. They are granted to nobody, hold no triggers, and are not dumped: roles do not come with a
-- dump, so rows about them must not either. Identity is the role's OID; names are what was last seen.

CREATE TABLE credentials.installation (
  singleton         boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  id                uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
  system_identifier bigint NOT NULL,
  database          oid NOT NULL
);
COMMENT ON TABLE credentials.installation IS 'What the rows of this schema are bound to: this installation, this cluster, this database';
COMMENT ON COLUMN credentials.installation.singleton IS 'Always true: there is one row';
COMMENT ON COLUMN credentials.installation.id IS 'Random number of this installation, made by CREATE EXTENSION';
COMMENT ON COLUMN credentials.installation.system_identifier IS 'The cluster''s system identifier when the rows were bound; part of what passwords are sealed with';
COMMENT ON COLUMN credentials.installation.database IS 'OID of the home database when the rows were bound';

INSERT INTO credentials.installation (system_identifier, database)
SELECT c.system_identifier, d.oid
  FROM pg_catalog.pg_control_system() AS c, pg_catalog.pg_database AS d
 WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database();

CREATE TABLE credentials.credential (
  role          oid PRIMARY KEY,
  name          text COLLATE "C" NOT NULL,
  role_name     text COLLATE "C" NOT NULL,
  state         text COLLATE "C" NOT NULL CHECK (state OPERATOR(pg_catalog.=) ANY
    (ARRAY['active', 'rotating', 'lingering', 'suspended', 'destroying', 'orphaned', 'foreign'])),
  secret        bigint,
  cuts          bigint NOT NULL DEFAULT 0,
  lease         boolean NOT NULL DEFAULT false,
  deputy        boolean NOT NULL DEFAULT false,
  valid_until   timestamptz,
  created_at    timestamptz NOT NULL,
  rotated_at    timestamptz,
  last_login_at timestamptz
);
CREATE UNIQUE INDEX credential_name_key ON credentials.credential (pg_catalog.lower(name));
COMMENT ON TABLE credentials.credential IS 'One row a managed login role';
COMMENT ON COLUMN credentials.credential.role IS 'OID of the role: its identity';
COMMENT ON COLUMN credentials.credential.name IS 'Name of the credential; default for the default credential';
COMMENT ON COLUMN credentials.credential.role_name IS 'Name of the role; where role and name no longer agree the credential is orphaned';
COMMENT ON COLUMN credentials.credential.state IS 'State of the credential';
COMMENT ON COLUMN credentials.credential.secret IS 'The row of credentials.secret that holds the password in force, where one is stored';
COMMENT ON COLUMN credentials.credential.cuts IS 'How often the sessions of an older password were ended: where it grows, a standby ends its own';
COMMENT ON COLUMN credentials.credential.lease IS 'Whether the credential ends at valid_until';
COMMENT ON COLUMN credentials.credential.deputy IS 'Whether a superuser made it a member of the default credential''s role; default has no ADMIN OPTION on it then';
COMMENT ON COLUMN credentials.credential.valid_until IS 'When a lease ends';
COMMENT ON COLUMN credentials.credential.created_at IS 'When it was made or adopted';
COMMENT ON COLUMN credentials.credential.rotated_at IS 'When the password was last changed through the extension';
COMMENT ON COLUMN credentials.credential.last_login_at IS 'Latest login that was seen';

CREATE TABLE credentials.twin (
  role          oid PRIMARY KEY,
  twin          oid NOT NULL UNIQUE,
  phase         text COLLATE "C" NOT NULL CHECK (phase OPERATOR(pg_catalog.=) ANY
    (ARRAY['draining', 'lingering', 'retiring', 'ended'])),
  former        text COLLATE "C",
  begun_at      timestamptz NOT NULL,
  overlap_until timestamptz NOT NULL,
  deadline      timestamptz NOT NULL,
  caller        integer,
  caller_began  timestamptz,
  renewed       boolean NOT NULL DEFAULT false,
  twin_cut      timestamptz,
  committed     pg_lsn,
  linger_until  timestamptz
);
ALTER TABLE credentials.twin ALTER COLUMN former SET STATISTICS 0;
COMMENT ON TABLE credentials.twin IS 'One row a rotating twin: it is made with the twin and goes with it';
COMMENT ON COLUMN credentials.twin.role IS 'OID of the credential''s role';
COMMENT ON COLUMN credentials.twin.twin IS 'OID of the twin';
COMMENT ON COLUMN credentials.twin.phase IS 'draining (to the cut-over), lingering (the twin''s name stays good), retiring (it is closed, its sessions may finish) or ended (closed, and its sessions are ended)';
COMMENT ON COLUMN credentials.twin.former IS 'Verifier that the role had when the rotation began: another one at the cut-over is a drift; empty from then on';
COMMENT ON COLUMN credentials.twin.begun_at IS 'When the rotation was ordered';
COMMENT ON COLUMN credentials.twin.overlap_until IS 'The old password stays good at least until here';
COMMENT ON COLUMN credentials.twin.deadline IS 'The old password goes here at the latest';
COMMENT ON COLUMN credentials.twin.caller IS 'Process of the session that ordered the rotation, which is not waited for';
COMMENT ON COLUMN credentials.twin.caller_began IS 'When that process began';
COMMENT ON COLUMN credentials.twin.renewed IS 'Whether the twin was there before this rotation: its older sessions are of an older password';
COMMENT ON COLUMN credentials.twin.twin_cut IS 'Sessions of a renewed twin that began up to here are of an older password';
COMMENT ON COLUMN credentials.twin.committed IS 'Where the write-ahead log has the twin: standbys that have replayed so far know the new password';
COMMENT ON COLUMN credentials.twin.linger_until IS 'The twin''s name is closed here';

CREATE TABLE credentials.secret (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  role    oid NOT NULL,
  sealed  bytea NOT NULL,
  made_at timestamptz NOT NULL
);
-- ANALYZE keeps no sample of what is sealed, nor of whose it is.
ALTER TABLE credentials.secret ALTER COLUMN sealed SET STATISTICS 0;
ALTER TABLE credentials.secret ALTER COLUMN role SET STATISTICS 0;
CREATE INDEX secret_role ON credentials.secret (role);
COMMENT ON TABLE credentials.secret IS 'Passwords, sealed with the key file; bound to cluster, role and row';
COMMENT ON COLUMN credentials.secret.id IS 'Number of the row';
COMMENT ON COLUMN credentials.secret.role IS 'OID of the role whose password it is';
COMMENT ON COLUMN credentials.secret.sealed IS 'Envelope of an AEAD (XChaCha20-Poly1305)';
COMMENT ON COLUMN credentials.secret.made_at IS 'When it was sealed';

CREATE TABLE credentials.job (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind         text COLLATE "C" NOT NULL CHECK (kind OPERATOR(pg_catalog.=) ANY
    (ARRAY['rotate', 'suspend', 'destroy', 'repair', 'expire', 'retire', 'move'])),
  role         oid NOT NULL,
  name         text COLLATE "C" NOT NULL,
  state        text COLLATE "C" NOT NULL CHECK (state OPERATOR(pg_catalog.=) ANY
    (ARRAY['queued', 'running', 'waiting', 'blocked', 'done', 'failed', 'cancelled'])),
  stage        text COLLATE "C" NOT NULL,
  database     text COLLATE "C",
  reassign_to  oid,
  secret       bigint,
  verifier     text COLLATE "C",
  cutover      timestamptz,
  options      jsonb NOT NULL DEFAULT '{}',
  done         bigint NOT NULL DEFAULT 0,
  total        bigint,
  requested_by text COLLATE "C" NOT NULL,
  created_at   timestamptz NOT NULL,
  started_at   timestamptz,
  updated_at   timestamptz NOT NULL,
  due_at       timestamptz NOT NULL,
  message      text COLLATE "C"
);
ALTER TABLE credentials.job ALTER COLUMN verifier SET STATISTICS 0;
CREATE INDEX job_role ON credentials.job (role);
COMMENT ON TABLE credentials.job IS 'Work that outlives the transaction that ordered it; done by the worker, one step a transaction';
COMMENT ON COLUMN credentials.job.id IS 'Number of the job';
COMMENT ON COLUMN credentials.job.kind IS 'What is done: rotate, suspend, destroy, repair, expire, retire (a rotation''s twin) or move (what is in a schema, to the group that owns it, or back)';
COMMENT ON COLUMN credentials.job.role IS 'OID of the role that it is done to';
COMMENT ON COLUMN credentials.job.name IS 'Name of the credential when the job was ordered';
COMMENT ON COLUMN credentials.job.state IS 'queued, running, waiting (for a lock or a session), blocked (a person is needed), done, failed or cancelled';
COMMENT ON COLUMN credentials.job.stage IS 'The step that comes next';
COMMENT ON COLUMN credentials.job.database IS 'Database that is worked on now';
COMMENT ON COLUMN credentials.job.reassign_to IS 'OID of the role that gets what is moved';
COMMENT ON COLUMN credentials.job.secret IS 'The row of credentials.secret that comes into force with the job';
COMMENT ON COLUMN credentials.job.verifier IS 'Verifier that the role gets when the job takes effect; empty from then on';
COMMENT ON COLUMN credentials.job.cutover IS 'Sessions that began up to here logged in with what is gone, and are ended';
COMMENT ON COLUMN credentials.job.options IS 'What repair_default() was asked for';
COMMENT ON COLUMN credentials.job.done IS 'Objects moved so far';
COMMENT ON COLUMN credentials.job.total IS 'Objects to move, where known';
COMMENT ON COLUMN credentials.job.requested_by IS 'Who ordered it';
COMMENT ON COLUMN credentials.job.created_at IS 'When it was ordered';
COMMENT ON COLUMN credentials.job.started_at IS 'When the worker began';
COMMENT ON COLUMN credentials.job.updated_at IS 'When the row last changed';
COMMENT ON COLUMN credentials.job.due_at IS 'When the next step is due';
COMMENT ON COLUMN credentials.job.message IS 'What a waiting or blocked job waits for';

CREATE TABLE credentials.access_group (
  role       oid PRIMARY KEY,
  role_name  text COLLATE "C" NOT NULL,
  kind       text COLLATE "C" NOT NULL CHECK (kind OPERATOR(pg_catalog.=) ANY (ARRAY['reader', 'writer', 'owner'])),
  scope      oid NOT NULL,
  scope_name text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL,
  UNIQUE (scope, kind)
);
COMMENT ON TABLE credentials.access_group IS 'One row a managed group: a NOLOGIN role that holds the rights of a preset on a schema';
COMMENT ON COLUMN credentials.access_group.role IS 'OID of the group''s role: its identity';
COMMENT ON COLUMN credentials.access_group.role_name IS 'Name of the role when it was last seen';
COMMENT ON COLUMN credentials.access_group.kind IS 'reader (read_only), writer (read_write) or owner (owner)';
COMMENT ON COLUMN credentials.access_group.scope IS 'OID of the schema that its rights are on; 0: every schema';
COMMENT ON COLUMN credentials.access_group.scope_name IS 'Name of the schema when it was last seen; *: every schema';
COMMENT ON COLUMN credentials.access_group.created_at IS 'When the group was made';

CREATE TABLE credentials.tenant (
  role          oid NOT NULL,
  relation      oid NOT NULL,
  column_number integer NOT NULL,
  value         text COLLATE "C" NOT NULL,
  PRIMARY KEY (role, relation)
);
COMMENT ON TABLE credentials.tenant IS 'One row a table that a credential sees as one tenant of several';
COMMENT ON COLUMN credentials.tenant.role IS 'OID of the credential''s role';
COMMENT ON COLUMN credentials.tenant.relation IS 'OID of the table';
COMMENT ON COLUMN credentials.tenant.column_number IS 'Number of the column that tells whose a row is';
COMMENT ON COLUMN credentials.tenant.value IS 'What stands in that column in the tenant''s rows';

CREATE TABLE credentials.tenant_table (
  relation      oid PRIMARY KEY,
  root          oid NOT NULL,
  others_policy oid NOT NULL,
  rows_policy   oid NOT NULL,
  digest        text COLLATE "C" NOT NULL
);
COMMENT ON TABLE credentials.tenant_table IS 'One row a table, partition or child table that has row security for its tenants';
COMMENT ON COLUMN credentials.tenant_table.relation IS 'OID of the table';
COMMENT ON COLUMN credentials.tenant_table.root IS 'OID of the table that the tenants are of: itself, or the one above it';
COMMENT ON COLUMN credentials.tenant_table.others_policy IS 'OID of the policy tenants_others';
COMMENT ON COLUMN credentials.tenant_table.rows_policy IS 'OID of the policy tenants_rows';
COMMENT ON COLUMN credentials.tenant_table.digest IS 'What the policies said when they were made';

CREATE TABLE credentials.flat (
  role       oid PRIMARY KEY,
  role_name  text COLLATE "C" NOT NULL,
  stage      text COLLATE "C" NOT NULL,
  kept       jsonb NOT NULL,
  changed_at timestamptz NOT NULL
);
COMMENT ON TABLE credentials.flat IS 'One row a role that did everything and is being left: how far, and what it takes to go back';
COMMENT ON COLUMN credentials.flat.role IS 'OID of the role';
COMMENT ON COLUMN credentials.flat.role_name IS 'Name of the role when it was last seen';
COMMENT ON COLUMN credentials.flat.stage IS 'prepare, grant, default_privileges, login, observe or retire: the stage that was applied last';
COMMENT ON COLUMN credentials.flat.kept IS 'made: roles of credentials made on the way; owners: by owning group, who owned its schema before; groups: those of the schemas of the spec; since: when it began to be observed; taken: what retiring took';
COMMENT ON COLUMN credentials.flat.changed_at IS 'When that stage was applied';

CREATE TABLE credentials.endpoint (
  name    text COLLATE "C" PRIMARY KEY,
  host    text COLLATE "C" NOT NULL,
  port    integer NOT NULL,
  sslmode text COLLATE "C" NOT NULL
);
COMMENT ON TABLE credentials.endpoint IS 'One row an endpoint that was set; leader without a row is what the settings say';
COMMENT ON COLUMN credentials.endpoint.name IS 'What it is called: leader, or the name of a pool';
COMMENT ON COLUMN credentials.endpoint.host IS 'Name or address that clients connect to, or the directory of a socket';
COMMENT ON COLUMN credentials.endpoint.port IS 'Port that clients connect to';
COMMENT ON COLUMN credentials.endpoint.sslmode IS 'sslmode of libpq';

CREATE TABLE credentials.attachment (
  app         text COLLATE "C" NOT NULL,
  config_var  text COLLATE "C" NOT NULL,
  role        oid NOT NULL,
  endpoint    text COLLATE "C" NOT NULL,
  attached_at timestamptz NOT NULL,
  PRIMARY KEY (app, config_var)
);
CREATE INDEX attachment_role ON credentials.attachment (role);
COMMENT ON TABLE credentials.attachment IS 'One row a config variable of an app: which credential''s URL it holds';
COMMENT ON COLUMN credentials.attachment.app IS 'The app';
COMMENT ON COLUMN credentials.attachment.config_var IS 'The variable, such as DATABASE_URL';
COMMENT ON COLUMN credentials.attachment.role IS 'OID of the credential''s role';
COMMENT ON COLUMN credentials.attachment.endpoint IS 'The endpoint that the URL leads to';
COMMENT ON COLUMN credentials.attachment.attached_at IS 'When it was attached';

CREATE TABLE credentials.collaborator (
  role      oid NOT NULL,
  app       text COLLATE "C" NOT NULL,
  role_name text COLLATE "C" NOT NULL,
  deploy    boolean NOT NULL,
  operate   boolean NOT NULL,
  manage    boolean NOT NULL,
  added_at  timestamptz NOT NULL,
  PRIMARY KEY (role, app)
);
COMMENT ON TABLE credentials.collaborator IS 'One row a role and app: what the role may do with the app; view is in every row';
COMMENT ON COLUMN credentials.collaborator.role IS 'OID of the role: its identity';
COMMENT ON COLUMN credentials.collaborator.app IS 'The app';
COMMENT ON COLUMN credentials.collaborator.role_name IS 'Name of the role when it was added; where role and name no longer agree the row gives nothing';
COMMENT ON COLUMN credentials.collaborator.deploy IS 'Whether it reads the app''s config variables';
COMMENT ON COLUMN credentials.collaborator.operate IS 'Whether it rotates, attaches and detaches the app''s credentials';
COMMENT ON COLUMN credentials.collaborator.manage IS 'Whether it makes and destroys credentials of the app, and adds collaborators';
COMMENT ON COLUMN credentials.collaborator.added_at IS 'When it was added to the app';

CREATE TABLE credentials.collaborator_right (
  role     oid NOT NULL,
  function text COLLATE "C" NOT NULL,
  PRIMARY KEY (role, function)
);
COMMENT ON TABLE credentials.collaborator_right IS 'One row a right that a collaborator was given as one, to be taken with the permissions; what he had before has no row';
COMMENT ON COLUMN credentials.collaborator_right.role IS 'OID of the role';
COMMENT ON COLUMN credentials.collaborator_right.function IS 'Function of this schema that it got EXECUTE on; CONNECT: on the home database; USAGE: on this schema';

CREATE TABLE credentials.maker (
  role       oid PRIMARY KEY,
  maker      oid NOT NULL,
  maker_name text COLLATE "C" NOT NULL
);
COMMENT ON TABLE credentials.maker IS 'One row a credential that a collaborator made: he may attach it to an app that he manages, or destroy it, while no app has had it';
COMMENT ON COLUMN credentials.maker.role IS 'OID of the credential''s role';
COMMENT ON COLUMN credentials.maker.maker IS 'OID of the collaborator''s role';
COMMENT ON COLUMN credentials.maker.maker_name IS 'Its name at the time';

CREATE TABLE credentials.former_app (
  role oid NOT NULL,
  app  text COLLATE "C" NOT NULL,
  PRIMARY KEY (role, app)
);
COMMENT ON TABLE credentials.former_app IS 'One row an app that a credential was detached from: only who manages all of them may destroy it';
COMMENT ON COLUMN credentials.former_app.role IS 'OID of the credential''s role';
COMMENT ON COLUMN credentials.former_app.app IS 'The app';

CREATE TABLE credentials.event (
  id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at               timestamptz NOT NULL,
  action           text COLLATE "C" NOT NULL,
  name             text COLLATE "C",
  role             oid,
  app              text COLLATE "C",
  effective_role   text COLLATE "C" NOT NULL,
  outer_role       text COLLATE "C" NOT NULL,
  session_role     text COLLATE "C" NOT NULL,
  client_addr      inet,
  application_name text COLLATE "C",
  detail           jsonb NOT NULL DEFAULT '{}'
);
-- How many there are of each action is counted at every scrape of metrics(): of this, not of the whole trail.
CREATE INDEX event_action ON credentials.event (action);
COMMENT ON TABLE credentials.event IS 'Audit trail: one row for every call that changed something or told a secret, and for what the worker did';
COMMENT ON COLUMN credentials.event.id IS 'Number of the event, in order';
COMMENT ON COLUMN credentials.event.at IS 'When it happened';
COMMENT ON COLUMN credentials.event.action IS 'The function that was called, or what the worker did';
COMMENT ON COLUMN credentials.event.name IS 'Name of the credential';
COMMENT ON COLUMN credentials.event.role IS 'OID of its role';
COMMENT ON COLUMN credentials.event.app IS 'App that it is about, where it is about one';
COMMENT ON COLUMN credentials.event.effective_role IS 'Whose rights the call was made with';
COMMENT ON COLUMN credentials.event.outer_role IS 'The role of the session''s top level, after SET ROLE';
COMMENT ON COLUMN credentials.event.session_role IS 'Who logged in';
COMMENT ON COLUMN credentials.event.client_addr IS 'Address of the client; NULL for a local socket';
COMMENT ON COLUMN credentials.event.application_name IS 'What the client called itself';
COMMENT ON COLUMN credentials.event.detail IS 'What else is known; never a secret';

CREATE TABLE credentials.news (event bigint PRIMARY KEY);
COMMENT ON TABLE credentials.news IS 'One row an event that NOTIFY has yet to tell of';
COMMENT ON COLUMN credentials.news.event IS 'Number of the event';

-- pg_read_all_data and pg_write_all_data reach every table without a grant. Row security without a
-- policy shuts them out of these; superusers, as whom the extension reads and writes, pass it.
ALTER TABLE credentials.installation ENABLE ROW LEVEL SECURITY;
ALTER TABLE credentials.credential ENABLE ROW LEVEL SECURITY;
ALTER TABLE credentials.twin ENABLE ROW LEVEL SECURITY;
ALTER TABLE credentials.secret ENABLE ROW LEVEL SECURITY;
ALTER TABLE credentials.job ENABLE ROW LEVEL SECURITY;
ALTER TABLE credentials.access_group ENABLE ROW LEVEL SECURITY;
ALTER TABLE credentials.tenant ENABLE ROW LEVEL SECURITY;
ALTER TABLE credentials.tenant_table ENABLE ROW LEVEL SECURITY;
ALTER TABLE credentials.flat ENABLE ROW LEVEL SECURITY;
ALTER TABLE credentials.endpoint ENABLE ROW LEVEL SECURITY;
ALTER TABLE credentials.attachment ENABLE ROW LEVEL SECURITY;
ALTER TABLE credentials.collaborator ENABLE ROW LEVEL SECURITY;
ALTER TABLE credentials.collaborator_right ENABLE ROW LEVEL SECURITY;
ALTER TABLE credentials.maker ENABLE ROW LEVEL SECURITY;
ALTER TABLE credentials.former_app ENABLE ROW LEVEL SECURITY;
ALTER TABLE credentials.event ENABLE ROW LEVEL SECURITY;
ALTER TABLE credentials.news ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON ALL TABLES IN SCHEMA credentials FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA credentials FROM PUBLIC;
