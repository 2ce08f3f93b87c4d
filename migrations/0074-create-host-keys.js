'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('host_keys')) return;
  await db.schema.raw(`
    CREATE TABLE host_keys (
      address VARCHAR(45) COLLATE utf8mb4_bin NOT NULL,
      port INT NOT NULL,
      key_type VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
      fingerprint VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
      confirmed_by_user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      confirmed_at DATETIME(3) NOT NULL,
      PRIMARY KEY (address, port)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
