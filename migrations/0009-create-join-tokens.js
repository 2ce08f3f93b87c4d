'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('join_tokens')) return;
  await db.schema.raw(`
    CREATE TABLE join_tokens (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      token_hash CHAR(64) COLLATE utf8mb4_bin NOT NULL,
      kind VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      owner_user_id CHAR(36) COLLATE utf8mb4_bin NULL,
      created_by_user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      preapproved TINYINT NOT NULL DEFAULT 0,
      note VARCHAR(200) NOT NULL,
      created_at DATETIME(3) NOT NULL,
      expires_at DATETIME(3) NOT NULL,
      used_at DATETIME(3) NULL,
      used_by_slave_id CHAR(36) COLLATE utf8mb4_bin NULL,
      revoked_at DATETIME(3) NULL,
      UNIQUE KEY join_tokens_token (token_hash)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
