'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('commands')) return;
  await db.schema.raw(`
    CREATE TABLE commands (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      instance_id CHAR(36) COLLATE utf8mb4_bin NULL,
      generation INT NULL,
      kind VARCHAR(32) COLLATE utf8mb4_bin NOT NULL,
      state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      message VARCHAR(1000) NULL,
      created_at DATETIME(3) NOT NULL,
      deadline_at DATETIME(3) NOT NULL,
      ended_at DATETIME(3) NULL,
      KEY commands_slave (slave_id, state),
      KEY commands_created (created_at)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
