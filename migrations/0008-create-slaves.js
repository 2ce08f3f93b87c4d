'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('slaves')) return;
  await db.schema.raw(`
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
      macs TEXT NOT NULL,
      enrolled_address VARCHAR(64) COLLATE utf8mb4_bin NULL,
      address VARCHAR(64) COLLATE utf8mb4_bin NULL,
      presented TEXT NULL,
      describe_data MEDIUMTEXT NOT NULL,
      foreign_domains MEDIUMTEXT NOT NULL,
      agent_build VARCHAR(60) COLLATE utf8mb4_bin NULL,
      epoch INT NOT NULL DEFAULT 0,
      last_seen_at DATETIME(3) NULL,
      created_at DATETIME(3) NOT NULL,
      UNIQUE KEY slaves_name (name),
      UNIQUE KEY slaves_key (public_key)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
