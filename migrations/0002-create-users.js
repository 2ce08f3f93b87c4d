'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('users')) return;
  await db.schema.raw(`
    CREATE TABLE users (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      name VARCHAR(32) NOT NULL,
      display_name VARCHAR(100) NOT NULL,
      role VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      password_hash VARCHAR(255) COLLATE utf8mb4_bin NULL,
      primary_group_id CHAR(36) COLLATE utf8mb4_bin NULL,
      ssh_public_keys MEDIUMTEXT NOT NULL,
      disabled TINYINT NOT NULL DEFAULT 0,
      created_at DATETIME(3) NOT NULL,
      UNIQUE KEY users_name (name)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
