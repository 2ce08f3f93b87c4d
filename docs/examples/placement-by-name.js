'use strict';

/**
 * A placement policy of your own: machines are filled in the order of their names, pc-2 before pc-10.
 *
 * To use it, copy it to the master's machine where only root can write, name it in /etc/paravcl/master.yaml and start
 * the master again; `paravcl-master check` tries it first.
 *
 *   placement:
 *     policy: module:/etc/paravcl/placement-by-name.js
 *
 * The contract. A CommonJS module that exports
 *
 *   name      lower-case letters, digits and hyphens; it stands in every decision that was made with it
 *   compare   (a, b, instance, world) → number: below 0 when slave `a` is better for `instance` than slave `b`. A total
 *             order: 0 only for a slave and itself, so end it with the name and the id. Only slaves that can take the
 *             instance now are compared; what does not fit never comes here.
 *   score     may be left out. (slave, instance, world) → { score, parts }: what people are shown of the comparison.
 *             `score` is smaller for the better slave, `parts` are named numbers it was made of.
 *
 * Each is called often and must answer at once, from nothing but what it is given: no clock, no chance, no files, no
 * promises. What it is given is frozen: writing to it fails.
 *
 *   slave     { id, name, kind: 'dedicated' | 'volunteer', contributing, registeredAt, saveMiBPerSecond,
 *               capacity: room, promised: room,
 *               running:  [{ id, type: 'BE' | 'AR', groupId, pi, endsAt, need: room }],
 *               bookings: [{ reservationId, start, end, claimed, need: room }] }
 *   instance  { type: 'BE' | 'AR', groupId, need: room }; a slot of a reservation is asked about in the same way
 *   world     { slaves: [slave], lastPlacedOn: id of the slave of the newest placement, or null }
 *   room      { vcpus, ramMiB, diskMiB, bandwidthMbps }
 *
 * Times are milliseconds since 1970, UTC; `groupId` and `endsAt` may be null. `contributing` is a volunteer that was
 * online for an hour in the last seven days. Fields may be added in later versions.
 */

const byNumberInName = new Intl.Collator('en', { numeric: true });

function compare(a, b) {
  if (a.id === b.id) return 0;
  return byNumberInName.compare(a.name, b.name) || (a.id < b.id ? -1 : 1);
}

function score(slave, instance, world) {
  const before = world.slaves.filter((other) => compare(other, slave) < 0).length;
  return { score: before, parts: { before } };
}

module.exports = { name: 'by-name', compare, score };
