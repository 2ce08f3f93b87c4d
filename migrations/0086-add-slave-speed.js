'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('slaves', 'speed')) return;
  await db.schema.raw('ALTER TABLE slaves ADD COLUMN speed DOUBLE NULL');
};
