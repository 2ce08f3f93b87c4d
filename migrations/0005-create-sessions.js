'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('sessions')) return;
  await db.schema.raw(`
    CREATE TABLE sessions (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      token_hash CHAR(64) COLLATE utf8mb4_bin NOT NULL,
      user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      created_at DATETIME(3) NOT NULL,
      last_used_at DATETIME(3) NOT NULL,
      expires_at DATETIME(3) NOT NULL,
      client_address VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
      UNIQUE KEY sessions_token (token_hash),
      KEY sessions_user (user_id),
      KEY sessions_expiry (expires_at)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
