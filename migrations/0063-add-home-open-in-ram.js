'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('home_volumes', 'open_in_ram_id')) return;
  await db.schema.raw('ALTER TABLE home_volumes ADD COLUMN open_in_ram_id CHAR(36) COLLATE utf8mb4_bin NULL');
};
