'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('reservations', 'min_speed')) return;
  await db.schema.raw('ALTER TABLE reservations ADD COLUMN min_speed DOUBLE NULL');
};
