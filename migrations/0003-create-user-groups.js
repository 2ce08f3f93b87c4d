'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('user_groups')) return;
  await db.schema.raw(`
    CREATE TABLE user_groups (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      name VARCHAR(100) NOT NULL,
      description TEXT NOT NULL,
      owner_user_id CHAR(36) COLLATE utf8mb4_bin NULL,
      enrolment_code_hash CHAR(64) COLLATE utf8mb4_bin NULL,
      created_at DATETIME(3) NOT NULL,
      UNIQUE KEY user_groups_name (name),
      UNIQUE KEY user_groups_code (enrolment_code_hash)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
