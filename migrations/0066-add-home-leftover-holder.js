'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('home_leftovers', 'attached_mib')) return;
  await db.schema.raw('ALTER TABLE home_leftovers ADD COLUMN instance_id CHAR(36) COLLATE utf8mb4_bin NULL, ADD COLUMN attached_mib INT UNSIGNED NULL');
};
