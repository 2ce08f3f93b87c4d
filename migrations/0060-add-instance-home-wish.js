'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('instances', 'home_wish')) return;
  await db.schema.raw('ALTER TABLE instances ADD COLUMN home_wish TINYINT NULL');
};
