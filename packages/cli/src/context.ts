import { MasterClient } from '@paravcl/shared/client/master-client';
import { NoAnswer } from '@paravcl/shared/client/no-answer';
import type { Answered, Asked, GetKey, RouteKey } from '@paravcl/shared/client/routes';
import { randomUUID } from 'node:crypto';
import { Output } from './output/output';
import { timesIn, type Times } from './output/times';
import { findSession, type Access } from './session/access';
import { Questions } from './talk/questions';
import { Transport } from './transport';
import type { World } from './world';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly output?: string;
  readonly master?: string;
}

/** Somebody who is logged in to a master. */
export interface Session {
  readonly access: Access;
  readonly transport: Transport;
  readonly client: MasterClient;
}

/** Keys of routes that answer pages. */
export type PageKey = { [Key in GetKey]: Answered<Key> extends { readonly items: readonly unknown[]; readonly next: string | null } ? Key : never }[GetKey];
export type ItemOf<Key extends PageKey> = Answered<Key> extends { readonly items: readonly (infer Item)[] } ? Item : never;

/** As many as the master gives at a time. */
const pageSize = 200;

/** One run of a command: what it writes to, whom it asks. */
export class Context {
  readonly output: Output;
  readonly questions: Questions;
  private opened: Promise<Session> | null = null;
  private told: Promise<Times> | null = null;
  /** Address of the master that was asked last, for sentences about errors. */
  origin: string | null = null;
  byEnvironment = false;
  private readonly given = new AbortController();

  constructor(
    readonly world: World,
    readonly options: GlobalOptions,
  ) {
    this.output = new Output(world, { json: options.json === true || options.output === 'json', wide: options.output === 'wide' });
    this.questions = new Questions(world);
  }

  /** The session of this run. Throws Refusal when one is not logged in. */
  session(): Promise<Session> {
    this.opened ??= findSession(this.world, this.options.master).then((access) => this.open(access));
    return this.opened;
  }

  open(access: Access): Session {
    this.origin = access.origin;
    this.byEnvironment = access.byEnvironment;
    const transport = new Transport(access);
    return { access, transport, client: new MasterClient(transport.fetch, access.origin) };
  }

  /** Whoever waits for this run waits no longer: what the master was asked is given up then. */
  giveUpAfter(ms: number): void {
    setTimeout(() => this.given.abort(), ms).unref();
  }

  /** Asks the master. A POST has a key of its own: sent again, it is done once. */
  async call<Key extends RouteKey>(key: Key, asked: Asked<Key>, signal?: AbortSignal): Promise<Answered<Key>> {
    const { client } = await this.session();
    return client.call(key, asked, { ...(key.startsWith('post ') ? { key: randomUUID() } : {}), signal: signal ?? this.given.signal });
  }

  /** Everything of a list, or its first so many; `next` as the master said it last. */
  async list<Key extends PageKey>(key: Key, query: Readonly<Record<string, unknown>> = {}, { most = Infinity, params, signal }: { readonly most?: number; readonly params?: Readonly<Record<string, string>>; readonly signal?: AbortSignal } = {}): Promise<{ items: ItemOf<Key>[]; next: string | null }> {
    const items: ItemOf<Key>[] = [];
    const cursors = new Set<string>();
    let next: string | null = null;
    do {
      const asked = { query: { ...query, limit: Math.min(pageSize, most - items.length), ...(next === null ? {} : { cursor: next }) }, ...(params === undefined ? {} : { params }) };
      const page = (await this.call(key, asked as unknown as Asked<Key>, signal)) as { readonly items: readonly ItemOf<Key>[]; readonly next: string | null };
      requirePage(page);
      items.push(...page.items);
      ({ next } = page);
      // One that goes on for ever would be followed for ever.
      if (next !== null && (page.items.length === 0 || cursors.has(next))) throw new NoAnswer('strange');
      if (next !== null) cursors.add(next);
    } while (next !== null && items.length < most);
    return { items, next };
  }

  /** Times in the site's zone. */
  times(): Promise<Times> {
    this.told ??= this.call('get /site/details', {}).then(({ timeZone }) => timesIn(timeZone, this.world.now));
    return this.told;
  }
}

function requirePage(page: unknown): void {
  const isPage = typeof page === 'object' && page !== null && 'items' in page && Array.isArray(page.items) && 'next' in page && (page.next === null || typeof page.next === 'string');
  if (!isPage) throw new NoAnswer('strange');
}
