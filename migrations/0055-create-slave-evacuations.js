'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('slave_evacuations')) return;
  await db.schema.raw(`
    CREATE TABLE slave_evacuations (
      operation_id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      client_address VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
      state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      created_at DATETIME(3) NOT NULL,
      KEY slave_evacuations_slave (slave_id),
      KEY slave_evacuations_state (state)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
