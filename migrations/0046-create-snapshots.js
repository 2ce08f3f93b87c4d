'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('snapshots')) return;
  await db.schema.raw(`
    CREATE TABLE snapshots (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      name VARCHAR(100) NOT NULL,
      user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      deployment_id CHAR(36) COLLATE utf8mb4_bin NULL,
      family_id CHAR(36) COLLATE utf8mb4_bin NULL,
      production TINYINT NOT NULL,
      state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      sentence VARCHAR(1000) NOT NULL,
      freeze_by DATETIME(3) NOT NULL,
      deadline_at DATETIME(3) NOT NULL,
      created_at DATETIME(3) NOT NULL,
      ended_at DATETIME(3) NULL,
      KEY snapshots_state (state),
      KEY snapshots_user (user_id, id)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
