'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('instances', 'minutes')) return;
  await db.schema.raw('ALTER TABLE instances ADD COLUMN minutes INT NULL');
};
