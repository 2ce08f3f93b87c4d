'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('instances', 'disk_epoch')) return;
  await db.schema.raw('ALTER TABLE instances ADD COLUMN disk_epoch INT NOT NULL DEFAULT 1, ADD COLUMN observed_disk_epoch INT NOT NULL DEFAULT 1');
};
