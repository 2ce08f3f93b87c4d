'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('images', 'min_speed')) return;
  await db.schema.raw('ALTER TABLE images ADD COLUMN min_speed DOUBLE NULL');
};
