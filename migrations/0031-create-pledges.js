'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('pledges')) return;
  await db.schema.raw(`
    CREATE TABLE pledges (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      join_token_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      made_at DATETIME(3) NOT NULL,
      until_at DATETIME(3) NOT NULL,
      state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      KEY pledges_user (user_id, id),
      KEY pledges_open (state, until_at)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
