'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('snapshots', 'left_out')) return;
  await db.schema.raw('ALTER TABLE snapshots ADD COLUMN left_out VARCHAR(1000) NULL');
};
