'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('host_installs')) return;
  await db.schema.raw(`
    CREATE TABLE host_installs (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      purpose VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      address VARCHAR(253) COLLATE utf8mb4_bin NOT NULL,
      resolved VARCHAR(45) COLLATE utf8mb4_bin NOT NULL,
      port INT NOT NULL,
      login_user VARCHAR(32) COLLATE utf8mb4_bin NOT NULL,
      name VARCHAR(100) NULL,
      state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      sentence VARCHAR(2000) NOT NULL,
      slave_id CHAR(36) COLLATE utf8mb4_bin NULL,
      join_token_id CHAR(36) COLLATE utf8mb4_bin NULL,
      steps MEDIUMTEXT COLLATE utf8mb4_bin NOT NULL,
      findings MEDIUMTEXT COLLATE utf8mb4_bin NOT NULL,
      created_by_user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      created_at DATETIME(3) NOT NULL,
      ended_at DATETIME(3) NULL,
      KEY host_installs_state (state),
      KEY host_installs_slave (slave_id)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
