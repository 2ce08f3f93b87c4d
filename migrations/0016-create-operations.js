'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('operations')) return;
  await db.schema.raw(`
    CREATE TABLE operations (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      kind VARCHAR(40) COLLATE utf8mb4_bin NOT NULL,
      subject_type VARCHAR(20) COLLATE utf8mb4_bin NOT NULL,
      subject_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      generation INT NULL,
      state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      sentence VARCHAR(1000) NOT NULL,
      user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      created_at DATETIME(3) NOT NULL,
      changed_at DATETIME(3) NOT NULL,
      KEY operations_subject (subject_id, state),
      KEY operations_user (user_id, created_at)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
