'use strict';

/**
 * Images of before there were families become the only version of a family of their own, under the image's id, which
 * makes the step the same however often it is begun. A name that another family has gets the friendly id behind it.
 */
exports.up = async (db) => {
  const images = await db('images').whereNull('family_id').orderBy('id').select('id', 'friendly_id', 'kind', 'name', 'state', 'created_by_user_id', 'created_at');
  for (const image of images) {
    if ((await db('image_families').where({ id: image.id }).first('id')) === undefined) {
      await db('image_families').insert({
        id: image.id,
        kind: image.kind,
        name: await freeFamilyName(db, image),
        description: '',
        versions_made: 1,
        production_image_id: image.state === 'ready' ? image.id : null,
        created_by_user_id: image.created_by_user_id,
        created_at: image.created_at,
      });
    }
    await db('images').where({ id: image.id }).update({ family_id: image.id });
  }
};

async function freeFamilyName(db, { id, kind, name, friendly_id }) {
  for (const wanted of [name, `${name.slice(0, 33)} (${friendly_id})`]) {
    if ((await db('image_families').where({ kind, name: wanted }).first('id')) === undefined) return wanted;
  }
  return id;
}
