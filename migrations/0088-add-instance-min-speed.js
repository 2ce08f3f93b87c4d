'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('instances', 'min_speed')) return;
  await db.schema.raw('ALTER TABLE instances ADD COLUMN min_speed DOUBLE NULL');
};
