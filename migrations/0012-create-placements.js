'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('placements')) return;
  await db.schema.raw(`
    CREATE TABLE placements (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      instance_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      generation INT NOT NULL,
      state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      failure_code VARCHAR(40) COLLATE utf8mb4_bin NULL,
      failure_sentence VARCHAR(1000) NULL,
      created_at DATETIME(3) NOT NULL,
      ended_at DATETIME(3) NULL,
      KEY placements_instance (instance_id),
      KEY placements_slave (slave_id, state)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
