'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('memberships')) return;
  await db.schema.raw(`
    CREATE TABLE memberships (
      group_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      created_at DATETIME(3) NOT NULL,
      PRIMARY KEY (group_id, user_id),
      KEY memberships_user (user_id)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
