'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('home_leftovers')) return;
  await db.schema.raw(`
    CREATE TABLE home_leftovers (
      volume_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      epoch INT UNSIGNED NOT NULL,
      lost TINYINT NOT NULL,
      PRIMARY KEY (volume_id, slave_id)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
