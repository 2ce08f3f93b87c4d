'use strict';

/** Since when it waits for room, for the order of the queue; null: since it was asked for, or since `queued_at`. */
exports.up = async (db) => {
  if (await db.schema.hasColumn('instances', 'waits_since')) return;
  await db.schema.raw('ALTER TABLE instances ADD COLUMN waits_since DATETIME(3) NULL');
};
