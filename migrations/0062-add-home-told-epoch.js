'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('home_volumes', 'told_epoch')) return;
  await db.schema.raw('ALTER TABLE home_volumes ADD COLUMN told_epoch INT UNSIGNED NOT NULL DEFAULT 0');
};
