'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('images', 'family_id')) return;
  await db.schema.raw(`
    ALTER TABLE images
      ADD COLUMN family_id CHAR(36) COLLATE utf8mb4_bin NULL,
      ADD COLUMN version INT NOT NULL DEFAULT 1,
      ADD COLUMN visibility VARCHAR(16) COLLATE utf8mb4_bin NOT NULL DEFAULT 'public',
      ADD UNIQUE KEY images_version (family_id, version)
  `);
};
