'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('slaves', 'max_connections')) return;
  await db.schema.raw('ALTER TABLE slaves ADD COLUMN max_connections SMALLINT UNSIGNED NULL');
};
