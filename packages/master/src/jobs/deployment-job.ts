import type { DeploymentFollowing } from '../services/deployment-following';
import type { DeploymentMaking } from '../services/deployment-making';
import type { DeploymentWishes } from '../services/deployment-wishes';

export interface DeploymentJobDeps {
  readonly making: Pick<DeploymentMaking, 'makeAll'>;
  readonly wishes: Pick<DeploymentWishes, 'carryOutAll'>;
  readonly following: Pick<DeploymentFollowing, 'followAll'>;
  readonly onFault: (error: unknown) => void;
}

/**
 * What deployments still need, derived from the books in every round: places are made, wishes carried out, operations told how far
 * they are. A round is made every half second, and at once when somebody asked for something; rounds never overlap.
 */
export class DeploymentJob {
  private running: Promise<void> | null = null;
  private wanted = false;

  constructor(private readonly deps: DeploymentJobDeps) {}

  /** Resolves when a round that began after the call is over. */
  async run(onFault: (error: unknown) => void = this.deps.onFault): Promise<void> {
    // What runs may have looked before there was something to do.
    while (this.running !== null) await this.running;
    this.running = this.round(onFault).finally(() => (this.running = null));
    await this.running;
  }

  /** Somebody asked for something: begin, or begin again when the round that runs is over. */
  wake(): void {
    if (this.wanted) return;
    this.wanted = true;
    void this.run().catch(this.deps.onFault);
  }

  /** Resolves when no round runs: for an orderly stop. */
  async idle(): Promise<void> {
    while (this.running !== null) await this.running.catch(this.deps.onFault);
  }

  private async round(onFault: (error: unknown) => void): Promise<void> {
    this.wanted = false;
    const { making, wishes, following } = this.deps;
    await making.makeAll(onFault);
    await wishes.carryOutAll(onFault);
    await following.followAll(onFault);
  }
}

export const deploymentsEveryMs = 500;
