'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('host_installs', 'slave_kind')) return;
  await db.schema.raw(`
    ALTER TABLE host_installs
      ADD COLUMN slave_kind VARCHAR(16) COLLATE utf8mb4_bin NULL,
      ADD COLUMN preapproved TINYINT NULL,
      ADD COLUMN start_by VARCHAR(16) COLLATE utf8mb4_bin NULL
  `);
};
