'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('instances', 'ends_at')) return;
  await db.schema.raw('ALTER TABLE instances ADD COLUMN ends_at DATETIME(3) NULL, ADD KEY instances_ends (ends_at)');
};
