'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('image_patterns')) return;
  await db.schema.raw(`
    CREATE TABLE image_patterns (
      image_id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      revision INT NOT NULL,
      recordings INT NOT NULL DEFAULT 0,
      boot_bytes BIGINT NOT NULL DEFAULT 0,
      body MEDIUMTEXT NOT NULL,
      changed_at DATETIME(3) NOT NULL
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
