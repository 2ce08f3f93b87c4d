-- The schema after all migrations, in the order of creation: the text for readers, and the measure for the
-- migrations (docs/decisions/0002-database.md says how the two are compared).
-- Machine words (ids, hashes, states, kinds, addresses) are utf8mb4_bin: compared byte by byte. Ids are UUIDv7 as text.
-- People's words are utf8mb4_unicode_520_ci, the newest collation that MariaDB 10.11 and MySQL 8 share.
-- Times are UTC, DATETIME(3). JSON is text. No RETURNING, no vendor types, READ COMMITTED.

CREATE TABLE settings ( -- site_id, network, one row each; and the rows whose locks keep the site's decisions in a line
  name VARCHAR(64) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  value MEDIUMTEXT NOT NULL
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE users (
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  name VARCHAR(32) NOT NULL,
  display_name VARCHAR(100) NOT NULL,
  role VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
  password_hash VARCHAR(255) COLLATE utf8mb4_bin NULL,        -- scrypt with its parameters; NULL until the first password is set
  primary_group_id CHAR(36) COLLATE utf8mb4_bin NULL,
  ssh_public_keys MEDIUMTEXT NOT NULL,                      -- JSON array
  disabled TINYINT NOT NULL DEFAULT 0,
  created_at DATETIME(3) NOT NULL,
  mail VARCHAR(254) NULL,                                   -- where notices are sent besides; NULL: nowhere
  opt_outs INT NOT NULL DEFAULT 0,                          -- how often this person asked for machines and lent none
  UNIQUE KEY users_name (name)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE user_groups (
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  description TEXT NOT NULL,
  owner_user_id CHAR(36) COLLATE utf8mb4_bin NULL,
  enrolment_code_hash CHAR(64) COLLATE utf8mb4_bin NULL,      -- SHA-256 of the code
  created_at DATETIME(3) NOT NULL,
  UNIQUE KEY user_groups_name (name),
  UNIQUE KEY user_groups_code (enrolment_code_hash)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE memberships (
  group_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  created_at DATETIME(3) NOT NULL,
  PRIMARY KEY (group_id, user_id),
  KEY memberships_user (user_id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE sessions (
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  token_hash CHAR(64) COLLATE utf8mb4_bin NOT NULL,           -- SHA-256 of the opaque token
  user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  created_at DATETIME(3) NOT NULL,
  last_used_at DATETIME(3) NOT NULL,
  expires_at DATETIME(3) NOT NULL,                          -- absolute end; idle end is computed from last_used_at
  client_address VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
  UNIQUE KEY sessions_token (token_hash),
  KEY sessions_user (user_id),
  KEY sessions_expiry (expires_at)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE api_tokens ( -- of people's own programs; expired ones stay listed for 30 days
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  token_hash CHAR(64) COLLATE utf8mb4_bin NOT NULL,           -- SHA-256 of the token
  user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  name VARCHAR(100) NOT NULL,
  scope VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,             -- read, full
  hint VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,              -- how the token begins
  created_at DATETIME(3) NOT NULL,
  expires_at DATETIME(3) NOT NULL,
  last_used_at DATETIME(3) NULL,                            -- written at most once a minute
  UNIQUE KEY api_tokens_token (token_hash),
  KEY api_tokens_user (user_id),
  KEY api_tokens_expiry (expires_at)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE one_time_tokens ( -- setup (first admin) and password (set or reset one user's password)
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  purpose VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
  token_hash CHAR(64) COLLATE utf8mb4_bin NOT NULL,
  user_id CHAR(36) COLLATE utf8mb4_bin NULL,
  created_at DATETIME(3) NOT NULL,
  expires_at DATETIME(3) NOT NULL,
  used_at DATETIME(3) NULL,
  UNIQUE KEY one_time_tokens_token (token_hash)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE login_failures (
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  user_name VARCHAR(64) NOT NULL,
  client_address VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
  at DATETIME(3) NOT NULL,
  KEY login_failures_name (user_name, at),
  KEY login_failures_at (at)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE slaves (
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  kind VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
  owner_user_id CHAR(36) COLLATE utf8mb4_bin NULL,
  admission VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
  admission_reason VARCHAR(1000) NULL,
  liveness VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
  public_key VARCHAR(120) COLLATE utf8mb4_bin NOT NULL,
  machine_id CHAR(32) COLLATE utf8mb4_bin NOT NULL,
  macs TEXT NOT NULL,                                       -- JSON array of the enrolled physical MACs
  enrolled_address VARCHAR(64) COLLATE utf8mb4_bin NULL,
  address VARCHAR(64) COLLATE utf8mb4_bin NULL,
  presented TEXT NULL,                                      -- JSON {machineId, macs, address}: what a quarantined slave showed
  describe_data MEDIUMTEXT NOT NULL,                        -- JSON
  foreign_domains MEDIUMTEXT NOT NULL,                      -- JSON array
  agent_build VARCHAR(60) COLLATE utf8mb4_bin NULL,
  epoch INT NOT NULL DEFAULT 0,
  last_seen_at DATETIME(3) NULL,
  created_at DATETIME(3) NOT NULL,
  declared_dead_at DATETIME(3) NULL,                        -- by an administrator, while it is lost: what it has may be started elsewhere. Its next hello takes it back
  max_connections SMALLINT UNSIGNED NULL,                   -- open at a time to its guests; null: as the configuration says
  speed DOUBLE NULL,                                        -- as somebody set it; null: as its agent measured
  promises BIGINT UNSIGNED NOT NULL DEFAULT 0,              -- a stamp of the newest promise of room there
  UNIQUE KEY slaves_name (name),
  UNIQUE KEY slaves_key (public_key),
  KEY slaves_owner (owner_user_id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE slave_pulses ( -- the figures of a slave's last heartbeat: written for thousands of slaves at a time
  slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  seen_at DATETIME(3) NOT NULL,
  load1 DOUBLE NOT NULL,
  ram_available_mib BIGINT NOT NULL,
  pool_available_mib BIGINT NOT NULL,
  clock_offset_ms DOUBLE NULL
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE join_tokens (
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  token_hash CHAR(64) COLLATE utf8mb4_bin NOT NULL,
  kind VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
  owner_user_id CHAR(36) COLLATE utf8mb4_bin NULL,            -- a volunteer's owner
  created_by_user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  preapproved TINYINT NOT NULL DEFAULT 0,
  note VARCHAR(200) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  expires_at DATETIME(3) NOT NULL,
  used_at DATETIME(3) NULL,
  used_by_slave_id CHAR(36) COLLATE utf8mb4_bin NULL,
  revoked_at DATETIME(3) NULL,
  UNIQUE KEY join_tokens_token (token_hash)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE images ( -- EMI, EKI, ERI
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  friendly_id VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
  kind VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
  name VARCHAR(100) NOT NULL,
  description TEXT NOT NULL,
  format VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
  size_bytes BIGINT NOT NULL,
  sha256 CHAR(64) COLLATE utf8mb4_bin NOT NULL,
  virtual_size_mib BIGINT NULL,
  state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
  reason VARCHAR(1000) NULL,
  default_kernel_id CHAR(36) COLLATE utf8mb4_bin NULL,
  default_ramdisk_id CHAR(36) COLLATE utf8mb4_bin NULL,
  default_vcpus INT NULL,
  default_ram_mib INT NULL,
  kernel_arguments VARCHAR(1000) NOT NULL,
  platform_value DECIMAL(12,6) NOT NULL,
  owner_group_id CHAR(36) COLLATE utf8mb4_bin NULL,
  created_by_user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  created_at DATETIME(3) NOT NULL,
  family_id CHAR(36) COLLATE utf8mb4_bin NULL,                -- the name it is a version of; never NULL once the migrations have run
  version INT NOT NULL DEFAULT 1,
  visibility VARCHAR(16) COLLATE utf8mb4_bin NOT NULL DEFAULT 'public', -- public, group (owner_group_id), private (its maker)
  manifest_id CHAR(64) COLLATE utf8mb4_bin NULL,              -- its content in chunks; NULL until ready, and for images of earlier releases until they are taken
  content_sha256 CHAR(64) COLLATE utf8mb4_bin NULL,           -- of the raw content, which is not what was uploaded when that was qcow2
  content_bytes BIGINT NULL,
  check_percent INT NULL,                                   -- while it is checking
  import_path TEXT COLLATE utf8mb4_bin NULL,                  -- a file of the server that is copied in, while that goes on
  of_instance_id CHAR(36) COLLATE utf8mb4_bin NULL,         -- the disk of that instance, for it alone: of no family, listed nowhere
  of_volume_id CHAR(36) COLLATE utf8mb4_bin NULL,           -- what that home volume holds, for it alone, likewise
  min_speed DOUBLE NULL,                                    -- of the host it runs on; null: any
  UNIQUE KEY images_friendly (friendly_id),
  KEY images_kind (kind, name),
  UNIQUE KEY images_version (family_id, version),
  KEY images_manifest (manifest_id),
  KEY images_of_instance (of_instance_id),
  KEY images_of_volume (of_volume_id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE instances (
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  name VARCHAR(63) COLLATE utf8mb4_bin NOT NULL,
  type VARCHAR(2) COLLATE utf8mb4_bin NOT NULL,
  user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  group_id CHAR(36) COLLATE utf8mb4_bin NULL,
  image_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  kernel_id CHAR(36) COLLATE utf8mb4_bin NULL,
  ramdisk_id CHAR(36) COLLATE utf8mb4_bin NULL,
  kernel_arguments VARCHAR(1000) NOT NULL,
  vcpus INT NOT NULL,
  ram_mib INT NOT NULL,
  disk_mib BIGINT NOT NULL,
  bandwidth_mbps INT NULL,
  ssh_public_keys MEDIUMTEXT NOT NULL,                      -- JSON array, fixed at launch
  slave_id CHAR(36) COLLATE utf8mb4_bin NULL,                 -- the placement that counts; its row is in placements
  desired VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
  observed VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
  generation INT NOT NULL,
  observed_generation INT NOT NULL DEFAULT 0,               -- generation that the last accepted report answered; less than generation: the slave has not answered yet
  stop_forced TINYINT NOT NULL DEFAULT 0,                   -- desired stopped means: take the power away, do not ask the guest
  reason_code VARCHAR(40) COLLATE utf8mb4_bin NULL,
  reason_sentence VARCHAR(1000) NULL,
  booted TINYINT NOT NULL DEFAULT 0,                        -- has ever run: its disk holds something, so it is not re-placed elsewhere
  progress_percent INT NULL,
  mac CHAR(17) COLLATE utf8mb4_bin NULL,                      -- NULL once deleted: addresses return to the pool
  address VARCHAR(15) COLLATE utf8mb4_bin NULL,
  created_at DATETIME(3) NOT NULL,
  changed_at DATETIME(3) NOT NULL,                          -- last change of the observed state
  deadline_at DATETIME(3) NULL,
  deleted_at DATETIME(3) NULL,
  minutes INT NULL,                                         -- how long it may run at a time; NULL: without end
  ends_at DATETIME(3) NULL,                                 -- when its time is over; NULL without end, and while it has no slave
  pfv DECIMAL(12,6) NOT NULL DEFAULT 0,                     -- the priority, fixed at the request: platform value of the image,
  ras TINYINT NOT NULL DEFAULT 0,                           -- registers as a slave,
  mon TINYINT NOT NULL DEFAULT 0,                           -- member of the owning group or of a member group,
  log2_r DECIMAL(20,16) NOT NULL DEFAULT 0,                         -- of R and E with the site's floors at the request
  ln_e DECIMAL(20,16) NOT NULL DEFAULT 0,
  pi DECIMAL(12,6) NOT NULL DEFAULT 0,                      -- 10 + weight of the sum, as decided at the request
  requested_minutes INT NOT NULL DEFAULT 0,                 -- E of the priority: asked for in all; 0 only before it was reckoned
  reservation_id CHAR(36) COLLATE utf8mb4_bin NULL,           -- claimed from this reservation, while that holds room
  queued_at DATETIME(3) NULL,                               -- since when it waits to go on where its disk is; NULL: it does not
  queued_because VARCHAR(16) COLLATE utf8mb4_bin NULL,        -- preempted, asked; NULL when it is not in the queue
  nominated_slave_id CHAR(36) COLLATE utf8mb4_bin NULL,       -- where others are being suspended for it
  preemptions INT NOT NULL DEFAULT 0,                       -- how often it was suspended for others on the day
  preempted_on CHAR(10) COLLATE utf8mb4_bin NULL,             -- 2026-03-29, the site's
  cloud_init MEDIUMTEXT NULL,                               -- of the template it was launched from, given to the guest as vendor data
  disk_epoch INT NOT NULL DEFAULT 1,                        -- how often its disk began anew from its image, counted from 1
  observed_disk_epoch INT NOT NULL DEFAULT 1,               -- of which epoch what its slave has is, by the last accepted report; less than disk_epoch: what is to go is still there
  disk_image_id CHAR(36) COLLATE utf8mb4_bin NULL,          -- what its present disk lies over when that is not its image: its disk as it came to the store
  idle_since DATETIME(3) NULL,                              -- since when it lies saved or off unused, also while its slave is silent; NULL while it is used
  aging_noticed_at DATETIME(3) NULL,                        -- when its owner was told last that it goes, or went, into the recycle bin
  recycled_at DATETIME(3) NULL,                             -- when it went into the recycle bin; NULL: it is not there
  recycle_until DATETIME(3) NULL,                           -- before this it is not deleted from there; NULL: never
  waits_since DATETIME(3) NULL,                             -- for the order of the queue; NULL: queued_at, or created_at
  ram_image_id CHAR(36) COLLATE utf8mb4_bin NULL,           -- RAM in the store that its disk goes on with; NULL: it boots, or its slave has its RAM
  ram_saved_on VARCHAR(300) COLLATE utf8mb4_bin NULL,       -- JSON: the hypervisor that saved it
  home_wish TINYINT NULL,                                   -- 1: never without its owner's home volume; 0: always; NULL: with it where it is free; 2: so, but without it in the run that somebody asked for whom the home is not open to
  min_speed DOUBLE NULL,                                    -- of the host it runs on; null: any
  UNIQUE KEY instances_name (name),
  KEY instances_user (user_id, created_at),
  KEY instances_slave (slave_id),
  KEY instances_observed (observed),
  KEY instances_deadline (deadline_at),
  KEY instances_ends (ends_at),
  KEY instances_queued (queued_at),
  KEY instances_reservation (reservation_id),
  KEY instances_disk_image (disk_image_id),
  KEY instances_ram_image (ram_image_id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE placements ( -- which slave was given the instance under which generation
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  instance_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  generation INT NOT NULL,                                  -- generation with which it was placed; raised for the tombstone
  state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,             -- active, cleaning (tombstone owed), clean (confirmed gone), given-up (its slave left the pool)
  failure_code VARCHAR(40) COLLATE utf8mb4_bin NULL,
  failure_sentence VARCHAR(1000) NULL,                      -- why the next candidate was taken
  created_at DATETIME(3) NOT NULL,
  ended_at DATETIME(3) NULL,
  KEY placements_instance (instance_id),
  KEY placements_slave (slave_id, state)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE instance_transitions (
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  instance_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  at DATETIME(3) NOT NULL,
  generation INT NOT NULL,
  desired VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
  from_state VARCHAR(16) COLLATE utf8mb4_bin NULL,
  to_state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
  slave_id CHAR(36) COLLATE utf8mb4_bin NULL,
  reason_code VARCHAR(40) COLLATE utf8mb4_bin NULL,
  reason_sentence VARCHAR(1000) NULL,
  caused_by VARCHAR(120) NOT NULL,
  KEY instance_transitions_instance (instance_id, id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE addresses ( -- unique in the site; given back when the instance is gone
  address VARCHAR(15) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  mac CHAR(17) COLLATE utf8mb4_bin NOT NULL,
  instance_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  created_at DATETIME(3) NOT NULL,
  UNIQUE KEY addresses_mac (mac),
  UNIQUE KEY addresses_instance (instance_id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE public_mappings ( -- what of the network outside leads to instances; given back when the instance is gone
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  instance_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  kind VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,              -- address, port
  address VARCHAR(15) COLLATE utf8mb4_bin NULL,               -- of the pool; NULL for a port
  transport VARCHAR(8) COLLATE utf8mb4_bin NULL,              -- tcp, udp; NULL for an address, as the ports are
  public_port INT NULL,                                     -- of whichever slave it is on: unique in the site, so that it may move
  guest_port INT NULL,
  leaving_generation INT NULL,                              -- taken back: free once its slave has answered this generation; NULL: it is not
  created_at DATETIME(3) NOT NULL,
  UNIQUE KEY public_mappings_address (address),
  UNIQUE KEY public_mappings_port (transport, public_port),
  UNIQUE KEY public_mappings_guest_port (instance_id, transport, guest_port)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE host_installs ( -- what was done to hosts by SSH; nothing that lets anybody in is ever here
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  purpose VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,           -- install, remove
  address VARCHAR(253) COLLATE utf8mb4_bin NOT NULL,          -- as it was asked for
  resolved VARCHAR(45) COLLATE utf8mb4_bin NOT NULL,          -- where that led to, and where was dialled
  port INT NOT NULL,
  login_user VARCHAR(32) COLLATE utf8mb4_bin NOT NULL,
  name VARCHAR(100) NULL,                                   -- NULL: as the host calls itself
  state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,             -- running, succeeded, failed, cancelled, interrupted
  sentence VARCHAR(2000) NOT NULL,
  slave_id CHAR(36) COLLATE utf8mb4_bin NULL,
  join_token_id CHAR(36) COLLATE utf8mb4_bin NULL,            -- made for it, revoked at its end unless used
  steps MEDIUMTEXT COLLATE utf8mb4_bin NOT NULL,              -- JSON
  findings MEDIUMTEXT COLLATE utf8mb4_bin NOT NULL,           -- JSON
  created_by_user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  created_at DATETIME(3) NOT NULL,
  ended_at DATETIME(3) NULL,
  host_key VARCHAR(64) COLLATE utf8mb4_bin NULL,               -- fingerprint as it was confirmed for it
  slave_kind VARCHAR(16) COLLATE utf8mb4_bin NULL,            -- how an install was asked for; NULL: a removal, or before it was kept
  preapproved TINYINT NULL,
  start_by VARCHAR(16) COLLATE utf8mb4_bin NULL,              -- systemd, unsupervised
  keep_packages TINYINT NULL,                                -- how a removal was asked for; NULL: an install, or before it was kept
  owner_user_id CHAR(36) COLLATE utf8mb4_bin NULL,            -- whose machine a volunteer is to be; NULL: nobody's, or who asked for it before it was kept
  KEY host_installs_state (state),
  KEY host_installs_slave (slave_id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE host_keys ( -- by which hosts showed themselves when somebody confirmed it
  address VARCHAR(45) COLLATE utf8mb4_bin NOT NULL,           -- resolved
  port INT NOT NULL,
  key_type VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
  fingerprint VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
  confirmed_by_user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  confirmed_at DATETIME(3) NOT NULL,
  PRIMARY KEY (address, port)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE commands ( -- one-shot verbs only
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  instance_id CHAR(36) COLLATE utf8mb4_bin NULL,
  generation INT NULL,
  kind VARCHAR(32) COLLATE utf8mb4_bin NOT NULL,
  state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,             -- sent, done, failed, unknown
  message VARCHAR(1000) NULL,
  created_at DATETIME(3) NOT NULL,
  deadline_at DATETIME(3) NOT NULL,
  ended_at DATETIME(3) NULL,
  KEY commands_slave (slave_id, state),
  KEY commands_created (created_at)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE operations ( -- what a 202 answer points at
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  kind VARCHAR(40) COLLATE utf8mb4_bin NOT NULL,              -- instance.create, instance.suspend, …
  subject_type VARCHAR(20) COLLATE utf8mb4_bin NOT NULL,
  subject_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  generation INT NULL,                                      -- done when the subject reached its desired state under this generation or a later one superseded it
  state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,             -- pending, done, failed, superseded
  sentence VARCHAR(1000) NOT NULL,                          -- where it is, in words
  user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  created_at DATETIME(3) NOT NULL,
  changed_at DATETIME(3) NOT NULL,
  KEY operations_subject (subject_id, state),
  KEY operations_user (user_id, created_at)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE events ( -- append only: who did what to what, from where
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  at DATETIME(3) NOT NULL,
  kind VARCHAR(60) COLLATE utf8mb4_bin NOT NULL,              -- slave.enrolled, slave.quarantined, user.login-failed, instance.created, …
  subject_type VARCHAR(20) COLLATE utf8mb4_bin NOT NULL,
  subject_id CHAR(36) COLLATE utf8mb4_bin NULL,
  actor VARCHAR(120) NOT NULL,                              -- "user alice", "slave lab-pc-07", "master"
  actor_user_id CHAR(36) COLLATE utf8mb4_bin NULL,
  client_address VARCHAR(64) COLLATE utf8mb4_bin NULL,
  sentence VARCHAR(1000) NOT NULL,
  KEY events_subject (subject_id, id),
  KEY events_kind (kind, id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE idempotency_keys (
  user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  idempotency_key VARCHAR(100) COLLATE utf8mb4_bin NOT NULL,
  request_hash CHAR(64) COLLATE utf8mb4_bin NOT NULL,         -- method, path, body
  subject_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,           -- reserved for what the request makes: done again, it finds what was made
  status INT NULL,                                          -- NULL while the first request runs
  response MEDIUMTEXT NULL,
  created_at DATETIME(3) NOT NULL,
  PRIMARY KEY (user_id, idempotency_key),
  KEY idempotency_keys_created (created_at)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE reservations ( -- N machines of one size for a time to come; confirmed ones have their bookings
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,             -- confirmed, active, no-show, released, expired, cancelled
  user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,              -- who asked for it
  group_id CHAR(36) COLLATE utf8mb4_bin NULL,                 -- whose members claim; NULL: only the user
  image_id CHAR(36) COLLATE utf8mb4_bin NULL,                 -- NULL: each claim says
  starts_at DATETIME(3) NOT NULL,
  ends_at DATETIME(3) NOT NULL,
  count INT NOT NULL,
  vcpus INT NOT NULL,
  ram_mib INT NOT NULL,
  disk_mib BIGINT NOT NULL,
  bandwidth_mbps INT NULL,
  pfv DECIMAL(12,6) NOT NULL,
  ras TINYINT NOT NULL,
  mon TINYINT NOT NULL,
  log2_r DECIMAL(20,16) NOT NULL,
  ln_e DECIMAL(20,16) NOT NULL,
  pi DECIMAL(12,6) NOT NULL,
  requested_minutes INT NOT NULL,                           -- E of the priority: asked for in all, extensions included
  moved_from DATETIME(3) NULL,                              -- it gave way to a stronger one, at most once
  moved_to DATETIME(3) NULL,
  moved_decision_id CHAR(36) COLLATE utf8mb4_bin NULL,
  moved_accepted TINYINT NOT NULL DEFAULT 0,                -- the owner has said that the new time is fine
  at_risk TINYINT NOT NULL DEFAULT 0,                       -- its people were told that some of it has no slave to run on, and it is still so
  series_id CHAR(36) COLLATE utf8mb4_bin NULL,
  sentence VARCHAR(1000) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  changed_at DATETIME(3) NOT NULL,
  min_speed DOUBLE NULL,                                    -- of the hosts it is booked on; null: any
  KEY reservations_state (state, starts_at),
  KEY reservations_user (user_id, state),
  KEY reservations_group (group_id, state),
  KEY reservations_series (series_id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE bookings ( -- each of a reservation's machines, and the slave that keeps room for it
  reservation_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  slot INT NOT NULL,
  slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  instance_id CHAR(36) COLLATE utf8mb4_bin NULL,              -- who claimed it
  PRIMARY KEY (reservation_id, slot),
  UNIQUE KEY bookings_instance (instance_id),
  KEY bookings_slave (slave_id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE reservation_series ( -- weekly repeats, admitted as their weeks come within the horizon
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  reservation_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,       -- its first one
  next_start CHAR(16) COLLATE utf8mb4_bin NULL,               -- 2026-10-27T10:00 in the site's zone; NULL: all are admitted
  until_date CHAR(10) COLLATE utf8mb4_bin NOT NULL,           -- 2026-12-22
  minutes INT NOT NULL,
  created_at DATETIME(3) NOT NULL,
  KEY reservation_series_next (next_start)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE decisions ( -- what the scheduler decided and of what, kept 90 days
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  at DATETIME(3) NOT NULL,
  kind VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
  subject_type VARCHAR(20) COLLATE utf8mb4_bin NOT NULL,
  subject_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,              -- whose subject it is
  group_id CHAR(36) COLLATE utf8mb4_bin NULL,
  sentence VARCHAR(1000) NOT NULL,
  body MEDIUMTEXT NOT NULL,                                 -- JSON: what is in no other column
  inputs_hash CHAR(64) COLLATE utf8mb4_bin NOT NULL,          -- SHA-256
  KEY decisions_subject (subject_id, id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE decision_inputs ( -- what it saw, once for all decisions made of the same
  hash CHAR(64) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  body MEDIUMBLOB NOT NULL,                                 -- JSON, gzip
  created_at DATETIME(3) NOT NULL,                          -- the newest decision made of it
  KEY decision_inputs_created (created_at)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE notices ( -- what people are told of without asking
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  at DATETIME(3) NOT NULL,
  kind VARCHAR(40) COLLATE utf8mb4_bin NOT NULL,
  subject_type VARCHAR(20) COLLATE utf8mb4_bin NOT NULL,
  subject_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  sentence VARCHAR(1000) NOT NULL,
  decision_id CHAR(36) COLLATE utf8mb4_bin NULL,              -- why, in full
  read_at DATETIME(3) NULL,
  mailed_at DATETIME(3) NULL,
  KEY notices_user (user_id, id),
  KEY notices_mailed (mailed_at, at),
  KEY notices_at (at)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE pledges ( -- machines promised with a request
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  join_token_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  made_at DATETIME(3) NOT NULL,
  until_at DATETIME(3) NOT NULL,
  state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,             -- open, kept, broken
  KEY pledges_user (user_id, id),
  KEY pledges_open (state, until_at)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE slave_save_speeds ( -- how fast each slave saves guests, as measured
  slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  mib_per_second DOUBLE NOT NULL,                           -- exponential mean
  samples INT NOT NULL,
  updated_at DATETIME(3) NOT NULL
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE slave_presence ( -- how long each slave was online, a day of UTC a row
  slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  day CHAR(10) COLLATE utf8mb4_bin NOT NULL,                  -- 2026-03-29
  online_ms BIGINT NOT NULL,
  PRIMARY KEY (slave_id, day),
  KEY slave_presence_day (day)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE image_families ( -- the names people know; the images are their versions
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  kind VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,              -- disk, kernel, ramdisk
  name VARCHAR(100) NOT NULL,
  description TEXT NOT NULL,
  versions_made INT NOT NULL,                               -- the highest number given, so that none is given twice
  production_image_id CHAR(36) COLLATE utf8mb4_bin NULL,      -- what a launch of the name gets; NULL until a version is ready
  created_by_user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  created_at DATETIME(3) NOT NULL,
  UNIQUE KEY image_families_name (kind, name)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE templates ( -- an image, sizes and cloud-init under one name
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  description TEXT NOT NULL,
  image_id CHAR(36) COLLATE utf8mb4_bin NULL,                 -- one version, or
  family_id CHAR(36) COLLATE utf8mb4_bin NULL,                -- whatever is in production: exactly one of the two
  vcpus INT NOT NULL,
  ram_mib INT NOT NULL,
  disk_mib BIGINT NULL,                                     -- NULL: the image's size
  bandwidth_mbps INT NULL,
  minutes INT NULL,                                         -- NULL: the site's default
  cloud_init MEDIUMTEXT NULL,
  owner_group_id CHAR(36) COLLATE utf8mb4_bin NULL,           -- whose owner may change it besides its maker
  created_by_user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  created_at DATETIME(3) NOT NULL,
  changed_at DATETIME(3) NOT NULL,
  UNIQUE KEY templates_name (name),
  KEY templates_image (image_id),
  KEY templates_family (family_id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE template_groups ( -- who may use a template; none: everybody
  template_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  group_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (template_id, group_id),
  KEY template_groups_group (group_id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE image_patterns ( -- what first boots of a version read, in which order
  image_id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  revision INT NOT NULL,
  recordings INT NOT NULL DEFAULT 0,                        -- how many the pattern is merged from, and
  boot_bytes BIGINT NOT NULL DEFAULT 0,                     -- what its boot phase costs (core/boot-set): lists of images show both without reading the body
  body MEDIUMTEXT NOT NULL,                                 -- JSON: the last recordings, and the pattern merged from them
  changed_at DATETIME(3) NOT NULL
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE deployments ( -- many instances of one image as one thing
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  description TEXT NOT NULL,
  created_by_user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  group_id CHAR(36) COLLATE utf8mb4_bin NULL,                 -- of all its instances
  template_id CHAR(36) COLLATE utf8mb4_bin NULL,              -- as it was asked for, or
  family_id CHAR(36) COLLATE utf8mb4_bin NULL,                -- this, or neither
  image_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,             -- what that came to: late members run the same
  kernel_id CHAR(36) COLLATE utf8mb4_bin NULL,
  ramdisk_id CHAR(36) COLLATE utf8mb4_bin NULL,
  vcpus INT NOT NULL,
  ram_mib INT NOT NULL,
  disk_mib BIGINT NOT NULL,
  bandwidth_mbps INT NULL,
  minutes INT NULL,                                         -- NULL: without end
  cloud_init MEDIUMTEXT NULL,                               -- the template's as it was
  slave_ids TEXT NULL,                                      -- JSON: where members that are made from now on may run; NULL: anywhere
  per_host_limit INT NULL,                                  -- so many prepare or boot on one slave at a time; NULL: the site's
  state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,             -- active, deleting; the row goes with the last instance
  slots_made INT NOT NULL,                                  -- the highest slot given, so that none is given twice
  created_at DATETIME(3) NOT NULL,
  changed_at DATETIME(3) NOT NULL,
  KEY deployments_creator (created_by_user_id),
  KEY deployments_group (group_id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE deployment_members ( -- the places of a deployment: rows first, instances after them
  deployment_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  slot INT NOT NULL,
  user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,              -- owns the instance
  instance_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,          -- reserved with the row, so that it is made once
  named_for_user TINYINT NOT NULL,                          -- 1: named after its owner, 0: after its slot
  state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,             -- wanted, made, cancelled, refused
  operation_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,         -- the newest operation that is about it
  wish VARCHAR(16) COLLATE utf8mb4_bin NULL,                  -- a verb for the whole that is not carried out for it yet
  wish_forced TINYINT NOT NULL DEFAULT 0,
  sentence VARCHAR(1000) NULL,                              -- why it was refused or taken back, or the last verb was refused for it
  slave_ids TEXT NULL,                                      -- JSON: where its instance may run; NULL: anywhere
  PRIMARY KEY (deployment_id, slot),
  UNIQUE KEY deployment_members_instance (instance_id),
  KEY deployment_members_state (state),
  KEY deployment_members_wish (wish),
  KEY deployment_members_operation (operation_id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE snapshots ( -- what disks of instances held at one moment
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,            -- who asked for it, and whose its images are
  deployment_id CHAR(36) COLLATE utf8mb4_bin NULL,
  family_id CHAR(36) COLLATE utf8mb4_bin NULL,              -- the one instance becomes the next version of it; NULL: families of their own
  production TINYINT NOT NULL,                              -- and that version goes into production
  state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,           -- pending, ready, failed
  sentence VARCHAR(1000) NOT NULL,
  freeze_by DATETIME(3) NOT NULL,                           -- all disks are frozen by then, or none counts
  deadline_at DATETIME(3) NOT NULL,                         -- all of it is in the store by then
  created_at DATETIME(3) NOT NULL,
  ended_at DATETIME(3) NULL,
  purpose VARCHAR(16) COLLATE utf8mb4_bin NOT NULL DEFAULT 'keep', -- keep; move: the disk leaves its slave for the store; gone: deleted, and some host has not heard yet
  generation INT NULL,                                      -- of the instance that moves
  left_out VARCHAR(1000) NULL,                              -- which machines of the deployment are not in it, in words; NULL: none
  KEY snapshots_state (state),
  KEY snapshots_user (user_id, id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE snapshot_parts ( -- one disk of a snapshot, the RAM that was saved with it, or the home volume that this has open
  image_id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, -- the image version that it becomes with the whole snapshot
  snapshot_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  instance_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  instance_name VARCHAR(63) COLLATE utf8mb4_bin NOT NULL,   -- the instance may be gone when it is read
  slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,           -- where the disk lies
  state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,           -- wanted, frozen, received, kept, failed
  how VARCHAR(16) COLLATE utf8mb4_bin NULL,                 -- what its guest was doing: running, off, saved
  quiesced TINYINT NULL,
  base_manifest_id CHAR(64) COLLATE utf8mb4_bin NULL,       -- what its delta is against: kept from sweeps while the snapshot is pending
  size_bytes BIGINT NULL,                                   -- of the guest's disk
  dirtied_bytes BIGINT NULL,                                -- of blocks that were sent
  manifest_id CHAR(64) COLLATE utf8mb4_bin NULL,            -- kept from sweeps while the snapshot is pending; then its image is named by it
  sentence VARCHAR(1000) NULL,                              -- what went wrong
  host_told TINYINT NOT NULL,                               -- 1: its host keeps nothing for it any more
  what VARCHAR(8) COLLATE utf8mb4_bin NOT NULL DEFAULT 'disk', -- disk, ram, home
  saved_on VARCHAR(300) COLLATE utf8mb4_bin NULL,           -- JSON, of RAM: the hypervisor that saved it
  ram_step VARCHAR(16) COLLATE utf8mb4_bin NULL,            -- of RAM: suspend: its guest is to be saved for it, resume: it was and is to go on, NULL: neither
  UNIQUE KEY snapshot_parts_once (snapshot_id, instance_id, what),
  KEY snapshot_parts_instance (instance_id),
  KEY snapshot_parts_told (host_told)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE slave_evacuations ( -- slaves that are being emptied, or were
  operation_id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, -- what people follow; how it ended stands there
  slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,            -- who asked; what leaves is moved in their name
  client_address VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
  state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,           -- pending; returning: called off, and what was saved is still to go on; ended
  created_at DATETIME(3) NOT NULL,
  KEY slave_evacuations_slave (slave_id),
  KEY slave_evacuations_state (state)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE slave_evacuation_parts ( -- one instance that was on such a slave
  operation_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  instance_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  instance_name VARCHAR(63) COLLATE utf8mb4_bin NOT NULL,   -- the instance may be gone when it is read
  state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,           -- here, left; stayed: nothing more is done about it
  resumes VARCHAR(16) COLLATE utf8mb4_bin NULL,             -- suspended, stopped: made so although it was to run, and goes on by itself; NULL: it was so anyway
  move_id CHAR(36) COLLATE utf8mb4_bin NULL,                -- operation of its newest move
  tries INT NOT NULL,                                       -- moves that were begun since it was saved
  refused_at INT NULL,                                      -- generation under which its move was refused
  sentence VARCHAR(1000) NULL,                              -- why
  PRIMARY KEY (operation_id, instance_id),
  KEY slave_evacuation_parts_state (state)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE home_volumes ( -- a disk of a person's own that goes with whatever they run, one instance at a time
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  size_mib INT UNSIGNED NOT NULL,                           -- 0: they have none
  own_size TINYINT NOT NULL,                                -- 1: an operator chose it; else it follows the site's, upwards
  image_id CHAR(36) COLLATE utf8mb4_bin NULL,               -- what it held in the store last; NULL: nothing was ever written
  state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,           -- stored, attached, returning
  instance_id CHAR(36) COLLATE utf8mb4_bin NULL,            -- whose it is now, or was until it began to return
  slave_id CHAR(36) COLLATE utf8mb4_bin NULL,               -- where it lies then; NULL: nowhere but in the store
  epoch INT UNSIGNED NOT NULL,                              -- rises each time it goes to a slave; what is there of an earlier one is worth nothing
  attached_mib INT UNSIGNED NULL,                           -- its size there
  told_epoch INT UNSIGNED NOT NULL DEFAULT 0,               -- the highest that a slave was told for a way there that came to nothing, or may yet
  used TINYINT NOT NULL,                                    -- 1: a guest may have written it there
  return_id CHAR(36) COLLATE utf8mb4_bin NULL,              -- of the image that what comes back becomes
  received TINYINT NOT NULL,                                -- 1: all of it has arrived
  open_in_ram_id CHAR(36) COLLATE utf8mb4_bin NULL,         -- image of the RAM in the store that its instance was saved with: it has this volume open
  sentence VARCHAR(1000) NULL,                              -- what is in the way
  created_at DATETIME(3) NOT NULL,
  changed_at DATETIME(3) NOT NULL,
  UNIQUE KEY home_volumes_user (user_id),
  UNIQUE KEY home_volumes_instance (instance_id),
  UNIQUE KEY home_volumes_return (return_id),
  KEY home_volumes_state (state)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE home_leftovers ( -- what a slave still has of a home volume, and is told to remove
  volume_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  epoch INT UNSIGNED NOT NULL,                              -- and earlier ones
  lost TINYINT NOT NULL,                                    -- 1: what was written there since it went is nowhere else
  instance_id CHAR(36) COLLATE utf8mb4_bin NULL,            -- whose it was when it was given up while its slave was away
  attached_mib INT UNSIGNED NULL,                           -- its size there; NULL: it was not given up so
  PRIMARY KEY (volume_id, slave_id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE live_migrations ( -- instances that go, or went, to another slave while they run
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  instance_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  open_of CHAR(36) COLLATE utf8mb4_bin NULL,                -- the instance while it is open: at most one is
  evacuation_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,      -- for whose sake
  from_slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  to_slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  ticket CHAR(43) COLLATE utf8mb4_bin NULL,                 -- the secret itself, for the source is told it again with each hello; NULL once it is over
  arrival_generation INT NOT NULL,                          -- of the destination's order
  sent_generation INT NULL,                                 -- of the source's; NULL until it has one
  home_epoch INT UNSIGNED NULL,                             -- under which its owner's home volume goes along; NULL: it has none
  state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,           -- opening, sending; moved, stayed: it is over
  source_said VARCHAR(16) COLLATE utf8mb4_bin NULL,         -- what it said last under its order: sending, sent, stayed
  source_why VARCHAR(1000) NULL,
  destination_said VARCHAR(16) COLLATE utf8mb4_bin NULL,    -- awaiting, arrived, stayed
  destination_why VARCHAR(1000) NULL,
  sentence VARCHAR(1000) NULL,                              -- how it ended
  started_at DATETIME(3) NOT NULL,
  deadline_at DATETIME(3) NOT NULL,                         -- of the opening: until then the destination is ready
  ended_at DATETIME(3) NULL,
  UNIQUE KEY live_migrations_open (open_of),
  KEY live_migrations_evacuation (evacuation_id),
  KEY live_migrations_to (to_slave_id, state)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE sla_violations ( -- when instances got less of a processor than their due; at most one of an instance is open
  id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  instance_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  open_of CHAR(36) COLLATE utf8mb4_bin NULL,                -- the instance again, while it lasts
  slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  began_at DATETIME(3) NOT NULL,
  ended_at DATETIME(3) NULL,
  worst_missing DOUBLE NOT NULL,                            -- part of its due, 0 to 1
  sentence VARCHAR(1000) NOT NULL,
  UNIQUE KEY sla_violations_open (open_of),
  KEY sla_violations_instance (instance_id, id),
  KEY sla_violations_slave (slave_id, id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE fabric_numbers ( -- the small numbers by which the Fabric API knows things; a row stays when its thing goes, so that no number means another
  kind VARCHAR(8) COLLATE utf8mb4_bin NOT NULL,             -- vm, pm, image; the settings fabric_last_… count them
  number INT UNSIGNED NOT NULL,
  subject_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,         -- the instance, slave or image
  tid INT UNSIGNED NULL,                                    -- of a VM that was made by the Fabric API: its type
  PRIMARY KEY (kind, number),
  UNIQUE KEY fabric_numbers_subject (kind, subject_id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE fabric_types ( -- sizes that the Fabric API makes VMs of
  tid INT UNSIGNED NOT NULL PRIMARY KEY,
  name VARCHAR(100) COLLATE utf8mb4_bin NOT NULL,
  vcpus INT NOT NULL,
  ram_mib INT NOT NULL,
  disk_mib INT NOT NULL,
  retired TINYINT NOT NULL DEFAULT 0                        -- 1: no new VM is made of it; what was made of it still has it
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE past_usage ( -- what people and groups had of the pool, fading; for the order of the queue
  kind VARCHAR(5) COLLATE utf8mb4_bin NOT NULL,               -- user, group
  subject_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
  core_hours DOUBLE NOT NULL,                               -- what was left of them at counted_at
  counted_at DATETIME(3) NOT NULL,
  PRIMARY KEY (kind, subject_id),
  KEY past_usage_counted (counted_at)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
