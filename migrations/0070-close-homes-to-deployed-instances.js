'use strict';

/**
 * Machines of before homes were closed to strangers: what somebody else's deployment made runs without its owner's home volume from
 * its next start on, unless whoever made the deployment runs the site, or teaches the owner's primary group.
 */
exports.up = async (db) => {
  await db.raw(`
    UPDATE instances i
    JOIN deployment_members dm ON dm.instance_id = i.id
    JOIN deployments d ON d.id = dm.deployment_id
    JOIN users u ON u.id = i.user_id
    LEFT JOIN users m ON m.id = d.created_by_user_id
    LEFT JOIN user_groups g ON g.id = u.primary_group_id
    SET i.home_wish = 0
    WHERE i.home_wish IS NULL
      AND d.created_by_user_id <> i.user_id
      AND NOT (COALESCE(m.role, '') IN ('operator', 'admin') OR (COALESCE(m.role, '') = 'teacher' AND COALESCE(g.owner_user_id, '') = d.created_by_user_id))
  `);
};
