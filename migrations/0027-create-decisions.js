'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('decisions')) return;
  await db.schema.raw(`
    CREATE TABLE decisions (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      at DATETIME(3) NOT NULL,
      kind VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      subject_type VARCHAR(20) COLLATE utf8mb4_bin NOT NULL,
      subject_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      group_id CHAR(36) COLLATE utf8mb4_bin NULL,
      sentence VARCHAR(1000) NOT NULL,
      body MEDIUMTEXT NOT NULL,
      inputs_hash CHAR(64) COLLATE utf8mb4_bin NOT NULL,
      KEY decisions_subject (subject_id, id),
      KEY decisions_at (at)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
