'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('settings')) return;
  await db.schema.raw(`
    CREATE TABLE settings (
      name VARCHAR(64) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      value MEDIUMTEXT NOT NULL
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
