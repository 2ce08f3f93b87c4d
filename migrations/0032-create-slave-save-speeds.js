'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('slave_save_speeds')) return;
  await db.schema.raw(`
    CREATE TABLE slave_save_speeds (
      slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      mib_per_second DOUBLE NOT NULL,
      samples INT NOT NULL,
      updated_at DATETIME(3) NOT NULL
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
