'use strict';

/** The stamp of the newest promise of room there: whoever promises from what is in memory sees that nobody else has since. */
exports.up = async (db) => {
  if (await db.schema.hasColumn('slaves', 'promises')) return;
  await db.schema.raw('ALTER TABLE slaves ADD COLUMN promises BIGINT UNSIGNED NOT NULL DEFAULT 0');
};
