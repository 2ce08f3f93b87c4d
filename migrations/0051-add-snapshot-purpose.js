'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('snapshots', 'purpose')) return;
  await db.schema.raw("ALTER TABLE snapshots ADD COLUMN purpose VARCHAR(16) COLLATE utf8mb4_bin NOT NULL DEFAULT 'keep', ADD COLUMN generation INT NULL");
};
