/**
 * Which modules the demo guest needs and in what order to load them, computed from the kernel's own
 * `modules.dep` and `modules.builtin` (formats: modules.dep(5)), because what is built in differs
 * between kernels.
 */

/** Virtio bus, disk and network; the seed's file system; the ACPI power button and the device it is read from. */
export const demoGuestModules: readonly string[] = [
  'virtio_pci',
  'virtio_blk',
  'virtio_net',
  'af_packet',
  'ext4',
  'isofs',
  'nls_iso8859_1',
  'button',
  'evdev',
];

/** Module name of a path: `kernel/fs/nls/nls_iso8859-1.ko.xz` → `nls_iso8859_1` (dashes and underscores are the same to the kernel). */
export function moduleName(path: string): string {
  const file = path.slice(path.lastIndexOf('/') + 1);
  return file.replace(/\.ko(\.(xz|gz|zst))?$/, '').replaceAll('-', '_');
}

/**
 * Paths below the modules directory in load order: every module after all it depends on.
 * Throws an Error that names a wanted module the kernel neither has nor contains.
 */
export function moduleLoadOrder(wanted: readonly string[], modulesDep: string, modulesBuiltin: string): readonly string[] {
  const dependencies = new Map<string, readonly string[]>();
  const pathByName = new Map<string, string>();
  for (const line of modulesDep.split('\n')) {
    const [path, rest] = line.split(':');
    if (path === undefined || rest === undefined) continue;
    dependencies.set(path, rest.split(' ').filter((word) => word !== ''));
    pathByName.set(moduleName(path), path);
  }
  const builtin = new Set(modulesBuiltin.split('\n').map((line) => moduleName(line.trim())));

  const order: string[] = [];
  const visit = (path: string): void => {
    if (order.includes(path)) return;
    // modules.dep lists a module's whole closure, the deepest last.
    for (const needed of [...(dependencies.get(path) ?? [])].reverse()) {
      if (needed !== path) visit(needed);
    }
    if (!order.includes(path)) order.push(path);
  };
  for (const name of wanted) {
    const path = pathByName.get(moduleName(name));
    if (path !== undefined) visit(path);
    else if (!builtin.has(moduleName(name))) throw new Error(`The guest's kernel has no module ${name}, neither built in nor beside it.`);
  }
  return order;
}
