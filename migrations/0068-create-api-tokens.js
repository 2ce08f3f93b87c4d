'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('api_tokens')) return;
  await db.schema.raw(`
    CREATE TABLE api_tokens (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      token_hash CHAR(64) COLLATE utf8mb4_bin NOT NULL,
      user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      name VARCHAR(100) NOT NULL,
      scope VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      hint VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      created_at DATETIME(3) NOT NULL,
      expires_at DATETIME(3) NOT NULL,
      last_used_at DATETIME(3) NULL,
      UNIQUE KEY api_tokens_token (token_hash),
      KEY api_tokens_user (user_id),
      KEY api_tokens_expiry (expires_at)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
