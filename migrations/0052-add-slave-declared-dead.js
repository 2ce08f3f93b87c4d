'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('slaves', 'declared_dead_at')) return;
  await db.schema.raw('ALTER TABLE slaves ADD COLUMN declared_dead_at DATETIME(3) NULL');
};
