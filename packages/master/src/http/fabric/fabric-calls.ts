import { ParavclError } from '@paravcl/shared/errors';
import type { Acting } from '../../services/acting';
import type { FabricService } from '../../services/fabric-service';

/** A value of the query as it was sent; a list when it was sent twice. */
export type FabricQuery = Readonly<Record<string, unknown>>;

/** One call of the original, whose words these answers are. */
export interface FabricCall {
  /** It changes something: not for tokens that may only look. */
  readonly changes: boolean;
  /** What is answered when it could not be done. */
  readonly failed: unknown;
  readonly answer: (fabric: FabricService, acting: Acting, query: FabricQuery) => Promise<unknown>;
}

const query = (answer: FabricCall['answer']): FabricCall => ({ changes: false, failed: 0, answer });

/** By path. */
export const fabricCalls: ReadonlyMap<string, FabricCall> = new Map<string, FabricCall>([
  ['/vm/create', {
    changes: true,
    failed: { vmid: 0 },
    answer: async (fabric, acting, asked) => ({ vmid: await fabric.create(acting, { name: text(asked, 'name'), tid: required(asked, 'instance_type'), image: required(asked, 'image_id') }) }),
  }],
  ['/vm/query', query(async (fabric, { principal }, asked) => of(numberIn(asked, 'vmid'), (vmid) => fabric.vm(principal, vmid)))],
  ['/vm/destroy', {
    changes: true,
    failed: { status: 0 },
    answer: async (fabric, acting, asked) => {
      await fabric.destroy(acting, required(asked, 'vmid'));
      return { status: 1 };
    },
  }],
  ['/vm/types', query(async (fabric) => ({ types: (await fabric.types()).map(({ tid, vcpus, ramMiB, diskMiB }) => ({ tid, cpu: vcpus, ram: ramMiB, disk: GB(diskMiB) })) }))],
  ['/pm/list', query(async (fabric, { principal }) => ({ pmids: await fabric.pmids(principal) }))],
  ['/pm/listvms', query(async (fabric, { principal }, asked) => {
    const vmids = await of(numberIn(asked, 'pmid'), (pmid) => fabric.vmsOn(principal, pmid));
    return vmids === null ? null : { vmids };
  })],
  ['/pm/query', query(async (fabric, { principal }, asked) => of(numberIn(asked, 'pmid'), (pmid) => fabric.pm(principal, pmid)))],
  ['/image/list', query(async (fabric, { principal }) => ({ images: await fabric.images(principal) }))],
]);

/** Three decimals, for types that are no whole GB. */
const GB = (mib: number): number => Math.round((mib / 1024) * 1000) / 1000;

async function of<T>(number: number | null, answer: (number: number) => Promise<T | null>): Promise<T | null> {
  return number === null ? null : answer(number);
}

/** A number as the system gives them; null for everything else, and for what was sent twice. */
export function numberIn(asked: FabricQuery, name: string): number | null {
  const value = asked[name];
  return typeof value === 'string' && /^[1-9]\d{0,8}$/.test(value) ? Number(value) : null;
}

function required(asked: FabricQuery, name: string): number {
  const number = numberIn(asked, name);
  if (number === null) throw new ParavclError('invalid-input', `${name} must be one of the numbers the system gave, once.`, { field: name });
  return number;
}

function text(asked: FabricQuery, name: string): string {
  const value = asked[name];
  if (typeof value !== 'string' || value === '') throw new ParavclError('invalid-input', `${name} must be there, once.`, { field: name });
  return value;
}
