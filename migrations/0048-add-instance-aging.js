'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('instances', 'recycled_at')) return;
  await db.schema.raw(
    'ALTER TABLE instances ADD COLUMN idle_since DATETIME(3) NULL, ADD COLUMN aging_noticed_at DATETIME(3) NULL, ' +
      'ADD COLUMN recycled_at DATETIME(3) NULL, ADD COLUMN recycle_until DATETIME(3) NULL',
  );
};
