'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('snapshot_parts', 'what')) return;
  await db.schema.raw(
    `ALTER TABLE snapshot_parts
       ADD COLUMN what VARCHAR(8) COLLATE utf8mb4_bin NOT NULL DEFAULT 'disk',
       ADD COLUMN saved_on VARCHAR(300) COLLATE utf8mb4_bin NULL,
       ADD COLUMN ram_step VARCHAR(16) COLLATE utf8mb4_bin NULL,
       DROP KEY snapshot_parts_once,
       ADD UNIQUE KEY snapshot_parts_once (snapshot_id, instance_id, what)`,
  );
};
