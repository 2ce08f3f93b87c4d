'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('live_migrations', 'home_epoch')) return;
  await db.schema.raw('ALTER TABLE live_migrations ADD COLUMN home_epoch INT UNSIGNED NULL');
};
