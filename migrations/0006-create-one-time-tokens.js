'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('one_time_tokens')) return;
  await db.schema.raw(`
    CREATE TABLE one_time_tokens (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      purpose VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      token_hash CHAR(64) COLLATE utf8mb4_bin NOT NULL,
      user_id CHAR(36) COLLATE utf8mb4_bin NULL,
      created_at DATETIME(3) NOT NULL,
      expires_at DATETIME(3) NOT NULL,
      used_at DATETIME(3) NULL,
      UNIQUE KEY one_time_tokens_token (token_hash)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
