/**
 * Everything the policy can be asked, as noun.verb. Who may do what is decided in one place:
 * `packages/master/src/services/policy.ts`.
 */
export const actions = [
  'slave.list',
  'slave.see',
  'slave.operate', // approve, edit, drain, retire
  'slave.install', // put the agent on hosts by SSH, and take it off again
  'slave.declare-dead', // what it has may be started elsewhere from then on
  'join-token.create',
  'join-token.create-dedicated',
  'join-token.list',
  'join-token.revoke',
  'image.list',
  'image.see',
  'image.create',
  'image.edit', // what is said of it, who sees it, whether it is offered, what is in production
  'image.import', // from a path of the server
  'image.download',
  'image.delete',
  'image.spread', // which hosts have how much of it
  'store.see',
  'store.operate', // sweep, verify, repair
  'template.list',
  'template.see',
  'template.create',
  'template.edit',
  'template.delete',
  'instance.create',
  'instance.list',
  'instance.see',
  'instance.operate', // start, suspend, resume, stop, delete
  'instance.console', // screen, serial console, its ports, what it printed
  'instance.publish', // lead public addresses and ports to it
  'connection.list', // who is connected to a guest, from where, since when
  'connection.end',
  'snapshot.list',
  'snapshot.see',
  'snapshot.create', // of instances that one operates
  'snapshot.operate', // delete, give up
  'deployment.create', // for oneself, and for whom one may act
  'deployment.list',
  'deployment.see',
  'deployment.edit',
  'deployment.operate', // verbs for the whole, late members, cancel, delete
  'group.list',
  'group.see',
  'group.create',
  'group.edit',
  'group.delete',
  'user.list',
  'user.see',
  'user.create',
  'user.edit',
  'user.set-role',
  'home.see',
  'home.edit', // its size, and to delete it
  'operation.list',
  'operation.see',
  'api-token.own', // make, list and revoke one's own
  'event.list',
  'reservation.create',
  'reservation.list',
  'reservation.see',
  'reservation.claim', // by its user and, inside the window, the members of its group
  'reservation.operate', // accept a move, reschedule, extend, cancel, release
  'decision.see',
  'decision.inputs', // the whole pool as it was
  'decision.replay', // made again from it
  'queue.see',
  'capacity.see', // how much of the pool is free when
  'pool.see', // who holds what of which slave, when
  'monitoring.see', // what is used of which slave, and who is connected where, in numbers
  'fabric.see', // how the Fabric API is set, and what its numbers stand for
  'fabric.define', // the sizes it makes VMs of
  'policy.see', // the site's rules and limits as they are set
  'policy.try', // what other ones would change
] as const;

export type Action = (typeof actions)[number];
