import type { Fabric } from './ask-first';

/** How programs ask it: a line for each call, to be pasted. `ca`: a file with the master's CA; null where its certificate is publicly trusted. */
export function servingLines({ url, allow, actsAs, types, images, slaves }: Fabric, ca: string | null): readonly string[] {
  const base = url.replace(/\/$/, '');
  const token = actsAs === null ? ' -H "Authorization: Bearer $PARAVCL_TOKEN"' : '';
  const curl = (path: string): string => `  curl -s${ca === null ? '' : ` --cacert ${ca}`}${token} '${base}${path}'`;
  const [type, image, slave] = [types[0]?.tid ?? 1, images[0]?.number ?? 1, slaves[0]?.number ?? 1];
  return [
    `serving at ${base}`,
    actsAs === null ? 'Only API tokens are answered: PARAVCL_TOKEN=$(paravcl tokens create fabric --json | jq -r .token)' : `Programs at ${allow.join(', ')} need no token; their machines are ${actsAs}'s.`,
    '',
    ...['/pm/list', `/pm/query?pmid=${String(slave)}`, `/pm/listvms?pmid=${String(slave)}`, '/image/list', '/vm/types', `/vm/create?name=test&instance_type=${String(type)}&image_id=${String(image)}`, '/vm/query?vmid=VMID', '/vm/destroy?vmid=VMID'].map(curl),
    '',
    ...types.map(({ tid, name, vcpus, ramMiB, diskMiB }) => `type ${String(tid)}: ${name}, ${String(vcpus)} cores, ${String(ramMiB)} MiB, ${String(diskMiB / 1024)} GiB`),
    ...images.map(({ number, name }) => `image ${String(number)}: ${name}`),
    ...slaves.map(({ number, name }) => `machine ${String(number)}: ${name}`),
  ];
}
