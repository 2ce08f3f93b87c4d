-- The schema after all migrations, in the order of creation. Compared with the real one after migrating.
-- Ids are UUIDv7 as text (CHAR(36), ascii). Times are UTC, DATETIME(3). JSON is text (portable between
-- MariaDB and MySQL 8). No RETURNING, no vendor types, READ COMMITTED.

CREATE TABLE settings (                       -- site_id, network, one row each
  name VARCHAR(64) NOT NULL PRIMARY KEY,
  value MEDIUMTEXT NOT NULL
);

CREATE TABLE users (
  id CHAR(36) NOT NULL PRIMARY KEY,
  name VARCHAR(32) NOT NULL,
  display_name VARCHAR(100) NOT NULL,
  role VARCHAR(16) NOT NULL,
  password_hash VARCHAR(255) NULL,            -- scrypt with its parameters; NULL until the first password is set
  primary_group_id CHAR(36) NULL,
  ssh_public_keys MEDIUMTEXT NOT NULL,        -- JSON array
  disabled TINYINT NOT NULL DEFAULT 0,
  created_at DATETIME(3) NOT NULL,
  UNIQUE KEY users_name (name)
);

CREATE TABLE user_groups (
  id CHAR(36) NOT NULL PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  description TEXT NOT NULL,
  owner_user_id CHAR(36) NULL,
  enrolment_code_hash CHAR(64) NULL,          -- SHA-256 of the code
  created_at DATETIME(3) NOT NULL,
  UNIQUE KEY user_groups_name (name),
  UNIQUE KEY user_groups_code (enrolment_code_hash)
);

CREATE TABLE memberships (
  group_id CHAR(36) NOT NULL,
  user_id CHAR(36) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  PRIMARY KEY (group_id, user_id),
  KEY memberships_user (user_id)
);

CREATE TABLE sessions (
  id CHAR(36) NOT NULL PRIMARY KEY,
  token_hash CHAR(64) NOT NULL,               -- SHA-256 of the opaque token
  user_id CHAR(36) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  last_used_at DATETIME(3) NOT NULL,
  expires_at DATETIME(3) NOT NULL,            -- absolute end; idle end is computed from last_used_at
  client_address VARCHAR(64) NOT NULL,
  UNIQUE KEY sessions_token (token_hash),
  KEY sessions_user (user_id),
  KEY sessions_expiry (expires_at)
);

CREATE TABLE one_time_tokens (                -- setup (first admin) and password (set or reset one user's password)
  id CHAR(36) NOT NULL PRIMARY KEY,
  purpose VARCHAR(16) NOT NULL,
  token_hash CHAR(64) NOT NULL,
  user_id CHAR(36) NULL,
  created_at DATETIME(3) NOT NULL,
  expires_at DATETIME(3) NOT NULL,
  used_at DATETIME(3) NULL,
  UNIQUE KEY one_time_tokens_token (token_hash)
);

CREATE TABLE login_failures (
  id CHAR(36) NOT NULL PRIMARY KEY,
  user_name VARCHAR(64) NOT NULL,
  client_address VARCHAR(64) NOT NULL,
  at DATETIME(3) NOT NULL,
  KEY login_failures_name (user_name, at),
  KEY login_failures_at (at)
);

CREATE TABLE slaves (
  id CHAR(36) NOT NULL PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  kind VARCHAR(16) NOT NULL,
  owner_user_id CHAR(36) NULL,
  admission VARCHAR(16) NOT NULL,
  admission_reason VARCHAR(1000) NULL,
  liveness VARCHAR(16) NOT NULL,
  public_key VARCHAR(120) NOT NULL,
  machine_id CHAR(32) NOT NULL,
  macs TEXT NOT NULL,                         -- JSON array of the enrolled physical MACs
  enrolled_address VARCHAR(64) NULL,
  address VARCHAR(64) NULL,
  presented TEXT NULL,                        -- JSON {machineId, macs, address}: what a quarantined slave showed
  describe_data MEDIUMTEXT NOT NULL,          -- JSON
  foreign_domains MEDIUMTEXT NOT NULL,        -- JSON array
  agent_build VARCHAR(60) NULL,
  boot_id VARCHAR(60) NULL,
  epoch INT NOT NULL DEFAULT 0,
  session_id CHAR(36) NULL,                   -- the newest session; frames of another are dropped
  last_seen_at DATETIME(3) NULL,
  created_at DATETIME(3) NOT NULL,
  UNIQUE KEY slaves_name (name),
  UNIQUE KEY slaves_key (public_key)
);

CREATE TABLE join_tokens (
  id CHAR(36) NOT NULL PRIMARY KEY,
  token_hash CHAR(64) NOT NULL,
  kind VARCHAR(16) NOT NULL,
  owner_user_id CHAR(36) NULL,                -- a volunteer's owner
  created_by_user_id CHAR(36) NOT NULL,
  preapproved TINYINT NOT NULL DEFAULT 0,
  note VARCHAR(200) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  expires_at DATETIME(3) NOT NULL,
  used_at DATETIME(3) NULL,
  used_by_slave_id CHAR(36) NULL,
  revoked_at DATETIME(3) NULL,
  UNIQUE KEY join_tokens_token (token_hash)
);

CREATE TABLE images (                         -- EMI, EKI, ERI
  id CHAR(36) NOT NULL PRIMARY KEY,
  friendly_id VARCHAR(64) NOT NULL,
  kind VARCHAR(16) NOT NULL,
  name VARCHAR(100) NOT NULL,
  description TEXT NOT NULL,
  format VARCHAR(16) NOT NULL,
  size_bytes BIGINT NOT NULL,
  sha256 CHAR(64) NOT NULL,
  virtual_size_mib BIGINT NULL,
  state VARCHAR(16) NOT NULL,
  reason VARCHAR(1000) NULL,
  default_kernel_id CHAR(36) NULL,
  default_ramdisk_id CHAR(36) NULL,
  default_vcpus INT NULL,
  default_ram_mib INT NULL,
  kernel_arguments VARCHAR(1000) NOT NULL,
  platform_value DECIMAL(12,6) NOT NULL,
  owner_group_id CHAR(36) NULL,
  created_by_user_id CHAR(36) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  UNIQUE KEY images_friendly (friendly_id),
  KEY images_kind (kind, name)
);

CREATE TABLE instances (
  id CHAR(36) NOT NULL PRIMARY KEY,
  name VARCHAR(63) NOT NULL,
  type VARCHAR(2) NOT NULL,
  user_id CHAR(36) NOT NULL,
  group_id CHAR(36) NULL,
  image_id CHAR(36) NOT NULL,
  kernel_id CHAR(36) NULL,
  ramdisk_id CHAR(36) NULL,
  kernel_arguments VARCHAR(1000) NOT NULL,
  vcpus INT NOT NULL,
  ram_mib INT NOT NULL,
  disk_mib BIGINT NOT NULL,
  bandwidth_mbps INT NULL,
  ssh_public_keys MEDIUMTEXT NOT NULL,        -- JSON array, fixed at launch
  slave_id CHAR(36) NULL,                     -- the placement that counts; its row is in placements
  desired VARCHAR(16) NOT NULL,
  observed VARCHAR(16) NOT NULL,
  generation INT NOT NULL,
  reason_code VARCHAR(40) NULL,
  reason_sentence VARCHAR(1000) NULL,
  booted TINYINT NOT NULL DEFAULT 0,          -- has ever run: its disk holds something, so it is not re-placed elsewhere
  progress_percent INT NULL,
  mac CHAR(17) NULL,                          -- NULL once deleted: addresses return to the pool
  address VARCHAR(15) NULL,
  created_at DATETIME(3) NOT NULL,
  changed_at DATETIME(3) NOT NULL,            -- last change of the observed state
  deadline_at DATETIME(3) NULL,
  deleted_at DATETIME(3) NULL,
  UNIQUE KEY instances_name (name),
  KEY instances_user (user_id, created_at),
  KEY instances_slave (slave_id),
  KEY instances_observed (observed),
  KEY instances_deadline (deadline_at)
);

CREATE TABLE placements (                     -- which slave was given the instance under which generation
  id CHAR(36) NOT NULL PRIMARY KEY,
  instance_id CHAR(36) NOT NULL,
  slave_id CHAR(36) NOT NULL,
  generation INT NOT NULL,                    -- generation with which it was placed; raised for the tombstone
  state VARCHAR(16) NOT NULL,                 -- active, cleaning (tombstone owed), clean (confirmed gone)
  failure_sentence VARCHAR(1000) NULL,        -- why the next candidate was taken
  created_at DATETIME(3) NOT NULL,
  ended_at DATETIME(3) NULL,
  KEY placements_instance (instance_id),
  KEY placements_slave (slave_id, state)
);

CREATE TABLE instance_transitions (
  id CHAR(36) NOT NULL PRIMARY KEY,
  instance_id CHAR(36) NOT NULL,
  at DATETIME(3) NOT NULL,
  generation INT NOT NULL,
  desired VARCHAR(16) NOT NULL,
  from_state VARCHAR(16) NULL,
  to_state VARCHAR(16) NOT NULL,
  slave_id CHAR(36) NULL,
  reason_code VARCHAR(40) NULL,
  reason_sentence VARCHAR(1000) NULL,
  caused_by VARCHAR(120) NOT NULL,
  KEY instance_transitions_instance (instance_id, id)
);

CREATE TABLE addresses (                      -- unique in the site; given back when the instance is gone
  address VARCHAR(15) NOT NULL PRIMARY KEY,
  mac CHAR(17) NOT NULL,
  instance_id CHAR(36) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  UNIQUE KEY addresses_mac (mac),
  UNIQUE KEY addresses_instance (instance_id)
);

CREATE TABLE commands (                       -- one-shot verbs only
  id CHAR(36) NOT NULL PRIMARY KEY,
  slave_id CHAR(36) NOT NULL,
  instance_id CHAR(36) NULL,
  generation INT NULL,
  kind VARCHAR(32) NOT NULL,
  arguments MEDIUMTEXT NOT NULL,              -- JSON
  state VARCHAR(16) NOT NULL,                 -- sent, done, failed, unknown
  message VARCHAR(1000) NULL,
  created_at DATETIME(3) NOT NULL,
  deadline_at DATETIME(3) NOT NULL,
  ended_at DATETIME(3) NULL,
  KEY commands_slave (slave_id, state),
  KEY commands_created (created_at)
);

CREATE TABLE operations (                     -- what a 202 answer points at
  id CHAR(36) NOT NULL PRIMARY KEY,
  kind VARCHAR(40) NOT NULL,                  -- instance.create, instance.suspend, …
  subject_type VARCHAR(20) NOT NULL,
  subject_id CHAR(36) NOT NULL,
  generation INT NULL,                        -- done when the subject reached its desired state under this generation or a later one superseded it
  state VARCHAR(16) NOT NULL,                 -- pending, done, failed, superseded
  sentence VARCHAR(1000) NOT NULL,            -- where it is, in words
  user_id CHAR(36) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  changed_at DATETIME(3) NOT NULL,
  KEY operations_subject (subject_id, state),
  KEY operations_user (user_id, created_at)
);

CREATE TABLE events (                         -- append only: who did what to what, from where
  id CHAR(36) NOT NULL PRIMARY KEY,
  at DATETIME(3) NOT NULL,
  kind VARCHAR(60) NOT NULL,                  -- slave.enrolled, slave.quarantined, user.login-failed, instance.created, …
  subject_type VARCHAR(20) NOT NULL,
  subject_id CHAR(36) NULL,
  actor VARCHAR(120) NOT NULL,                -- "user alice", "slave lab-pc-07", "master"
  actor_user_id CHAR(36) NULL,
  client_address VARCHAR(64) NULL,
  sentence VARCHAR(1000) NOT NULL,
  KEY events_subject (subject_id, id),
  KEY events_kind (kind, id)
);

CREATE TABLE idempotency_keys (
  user_id CHAR(36) NOT NULL,
  idempotency_key VARCHAR(100) NOT NULL,
  request_hash CHAR(64) NOT NULL,             -- method, path, body
  status INT NULL,                            -- NULL while the first request runs
  response MEDIUMTEXT NULL,
  created_at DATETIME(3) NOT NULL,
  PRIMARY KEY (user_id, idempotency_key),
  KEY idempotency_keys_created (created_at)
);
