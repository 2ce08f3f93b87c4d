'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('image_families')) return;
  await db.schema.raw(`
    CREATE TABLE image_families (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      kind VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      name VARCHAR(100) NOT NULL,
      description TEXT NOT NULL,
      versions_made INT NOT NULL,
      production_image_id CHAR(36) COLLATE utf8mb4_bin NULL,
      created_by_user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      created_at DATETIME(3) NOT NULL,
      UNIQUE KEY image_families_name (kind, name)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
