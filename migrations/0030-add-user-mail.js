'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('users', 'mail')) return;
  await db.schema.raw('ALTER TABLE users ADD COLUMN mail VARCHAR(254) NULL, ADD COLUMN opt_outs INT NOT NULL DEFAULT 0');
};
