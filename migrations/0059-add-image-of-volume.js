'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('images', 'of_volume_id')) return;
  await db.schema.raw('ALTER TABLE images ADD COLUMN of_volume_id CHAR(36) COLLATE utf8mb4_bin NULL, ADD KEY images_of_volume (of_volume_id)');
};
