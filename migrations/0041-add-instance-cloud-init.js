'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('instances', 'cloud_init')) return;
  await db.schema.raw('ALTER TABLE instances ADD COLUMN cloud_init MEDIUMTEXT NULL');
};
