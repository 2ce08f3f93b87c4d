import type { Command, CommandResult } from '@paravcl/shared/protocol/commands';
import type { DesiredInstance, ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import type { Refused } from '@paravcl/shared/protocol/master-to-agent';
import type { Admission, Describe } from '@paravcl/shared/domain/slave';
import type { Repositories } from '../repositories/repositories';
import type { Launched, PreparedLaunch } from './launch-writing';

/** How services reach agents. `ws/` implements it; tests fake it. */
export interface AgentPort {
  isConnected(slaveId: string): boolean;
  /** The version of the protocol that its agent speaks (`shared/protocol/version`); null while it is not connected. */
  protocolOf(slaveId: string): number | null;
  /**
   * Sends desired states to a connected agent and returns at once. Losing them is harmless: the full
   * set is sent again at every hello, and what is unanswered is repeated by the resend job.
   */
  pushDesired(slaveId: string, instances: readonly DesiredInstance[]): void;
  /** Tells the agent that tombstones are recorded and may be forgotten. */
  forget(slaveId: string, instances: readonly { readonly instanceId: string; readonly generation: number }[]): void;
  pushAdmission(slaveId: string, admission: Admission, sentence: string | null): void;
  /** One-shot verb. Throws ParavclError `slave-offline` or `timeout`. */
  command(slaveId: string, command: Command, about: { readonly generation: number | null; readonly deadlineMs: number }): Promise<CommandResult>;
  /** Ends the slave's session, if any, telling it why. */
  disconnect(slaveId: string, sentence: string, code: Refused['code']): void;
}

/** Streams between two slaves, for the time of a migration. `ws/` implements it; tests fake it. */
export interface MigrationLines {
  /** From now on the source's ticket reaches the destination. Asked again it is the same line. */
  openLine(line: { readonly migrationId: string; readonly fromSlaveId: string; readonly toSlaveId: string; readonly ticket: string }): void;
  /** Its streams end at once. Harmless when there is no such line. */
  closeLine(migrationId: string): void;
}

/** What connected slaves told of themselves last, newer than what is stored. */
export interface FleetFigures {
  /** Null when this run of the master has not heard of the slave. */
  latest(slaveId: string): { readonly describe: Partial<Describe> } | null;
}

/** Wakes the scheduling loop; many wishes in a row cost one round. */
export interface SchedulerWake {
  wake(): void;
}

/** Writes launches, with their slave where one can be had at once. */
export interface Launches {
  /** Before the transaction of a launch: follows what was committed since. */
  catchUp(): Promise<void>;
  /** Within it. Throws a duplicate-key error when the name is taken. */
  launchWithin(repositories: Repositories, prepared: PreparedLaunch): Promise<Launched>;
}

/** What agents tell. `ws/` calls it; the instance services implement it. */
export interface AgentReports {
  /**
   * A slave said hello with what bears our mark on it. Applies the inventory, then answers the full
   * desired set for that slave, tombstones included. Empty for a slave that is not admitted.
   * `complete` false: the agent could not name everything yet, so nothing is missing because it is not
   * named; it is called again, with everything named on that connection, as soon as the agent could.
   */
  connected(slaveId: string, inventory: readonly ObservedInstance[], complete: boolean): Promise<readonly DesiredInstance[]>;
  observed(slaveId: string, instances: readonly ObservedInstance[]): Promise<void>;
  /** The slave fell silent or came back, or its admission changed: re-plan what that touches. */
  fleetChanged(slaveId: string): Promise<void>;
}
