'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('template_groups')) return;
  await db.schema.raw(`
    CREATE TABLE template_groups (
      template_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      group_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      PRIMARY KEY (template_id, group_id),
      KEY template_groups_group (group_id)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
