'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('host_installs', 'owner_user_id')) return;
  await db.schema.raw('ALTER TABLE host_installs ADD COLUMN owner_user_id CHAR(36) COLLATE utf8mb4_bin NULL');
};
