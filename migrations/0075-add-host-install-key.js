'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('host_installs', 'host_key')) return;
  await db.schema.raw('ALTER TABLE host_installs ADD COLUMN host_key VARCHAR(64) COLLATE utf8mb4_bin NULL');
};
