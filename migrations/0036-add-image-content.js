'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('images', 'manifest_id')) return;
  await db.schema.raw(`
    ALTER TABLE images
      ADD COLUMN manifest_id CHAR(64) COLLATE utf8mb4_bin NULL,
      ADD COLUMN content_sha256 CHAR(64) COLLATE utf8mb4_bin NULL,
      ADD COLUMN content_bytes BIGINT NULL,
      ADD COLUMN check_percent INT NULL,
      ADD COLUMN import_path TEXT COLLATE utf8mb4_bin NULL,
      ADD KEY images_manifest (manifest_id)
  `);
};
