'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('snapshot_parts')) return;
  await db.schema.raw(`
    CREATE TABLE snapshot_parts (
      image_id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      snapshot_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      instance_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      instance_name VARCHAR(63) COLLATE utf8mb4_bin NOT NULL,
      slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      how VARCHAR(16) COLLATE utf8mb4_bin NULL,
      quiesced TINYINT NULL,
      base_manifest_id CHAR(64) COLLATE utf8mb4_bin NULL,
      size_bytes BIGINT NULL,
      dirtied_bytes BIGINT NULL,
      manifest_id CHAR(64) COLLATE utf8mb4_bin NULL,
      sentence VARCHAR(1000) NULL,
      host_told TINYINT NOT NULL,
      UNIQUE KEY snapshot_parts_once (snapshot_id, instance_id),
      KEY snapshot_parts_instance (instance_id),
      KEY snapshot_parts_told (host_told)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
