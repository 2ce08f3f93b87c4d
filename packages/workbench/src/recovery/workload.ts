import { setTimeout as delay } from 'node:timers/promises';
import { chooseAsk, rivalOf, type Share } from './choose-ask';
import type { RecordedClient } from './client';
import type { SeededRandom } from './seeded-random';
import type { Stage } from './stages';

/** Several people at work at the same time, until they are told to rest. */
export class Workload {
  private wished: Stage | null = null;
  private resting = true;
  private giveUpAtMs = Infinity;
  private working: readonly Promise<void>[] = [];

  constructor(
    private readonly clients: readonly { readonly client: RecordedClient; readonly random: SeededRandom }[],
    private readonly share: Share,
  ) {}

  start(): void {
    this.resting = false;
    this.giveUpAtMs = Infinity;
    this.working = this.clients.map(({ client, random }) => this.work(client, random));
  }

  /** The next fault wants to meet this stage: whoever can brings it about. */
  wish(stage: Stage | null): void {
    this.wished = stage;
  }

  /** Nobody asks for anything new; answers when every request was answered, or was asked for in vain for `patienceMs`. */
  async rest(patienceMs: number): Promise<void> {
    this.resting = true;
    this.giveUpAtMs = performance.now() + patienceMs;
    await Promise.all(this.working);
  }

  private async work(client: RecordedClient, random: SeededRandom): Promise<void> {
    while (!this.resting) {
      const mine = await client.mine();
      const choice = mine === null ? null : chooseAsk(random, mine, this.share, this.wished);
      const rival = choice === null ? null : rivalOf(random, choice);
      const givenUp = (): boolean => performance.now() > this.giveUpAtMs;
      if (!this.resting) await Promise.all([choice, rival].flatMap((one) => (one === null ? [] : [client.request(one, givenUp)])));
      if (this.resting) return;
      await delay(random.between(100, this.wished === null ? 1500 : 500));
    }
  }
}
