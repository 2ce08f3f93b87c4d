'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('host_installs', 'keep_packages')) return;
  await db.schema.raw('ALTER TABLE host_installs ADD COLUMN keep_packages TINYINT NULL');
};
