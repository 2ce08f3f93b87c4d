'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('idempotency_keys')) return;
  await db.schema.raw(`
    CREATE TABLE idempotency_keys (
      user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      idempotency_key VARCHAR(100) COLLATE utf8mb4_bin NOT NULL,
      request_hash CHAR(64) COLLATE utf8mb4_bin NOT NULL,
      subject_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      status INT NULL,
      response MEDIUMTEXT NULL,
      created_at DATETIME(3) NOT NULL,
      PRIMARY KEY (user_id, idempotency_key),
      KEY idempotency_keys_created (created_at)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
