'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('login_failures')) return;
  await db.schema.raw(`
    CREATE TABLE login_failures (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      user_name VARCHAR(64) NOT NULL,
      client_address VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
      at DATETIME(3) NOT NULL,
      KEY login_failures_name (user_name, at),
      KEY login_failures_at (at)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
