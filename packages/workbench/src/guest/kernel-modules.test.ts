import { moduleLoadOrder, moduleName } from './kernel-modules';

const modulesDep = [
  'kernel/drivers/virtio/virtio_pci.ko: kernel/drivers/virtio/virtio_pci_modern_dev.ko kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko',
  'kernel/drivers/virtio/virtio_pci_modern_dev.ko:',
  'kernel/drivers/virtio/virtio.ko: kernel/drivers/virtio/virtio_ring.ko',
  'kernel/drivers/virtio/virtio_ring.ko:',
  'kernel/drivers/block/virtio_blk.ko: kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko',
  'kernel/fs/nls/nls_iso8859-1.ko.xz:',
  '',
].join('\n');

test('every module comes after all it depends on, and once', () => {
  const order = moduleLoadOrder(['virtio_pci', 'virtio_blk'], modulesDep, '').map(moduleName);
  expect([...order].sort()).toEqual(['virtio', 'virtio_blk', 'virtio_pci', 'virtio_pci_modern_dev', 'virtio_ring']);
  expect(order.indexOf('virtio_ring')).toBeLessThan(order.indexOf('virtio'));
  expect(order.indexOf('virtio')).toBeLessThan(order.indexOf('virtio_pci'));
  expect(order.indexOf('virtio_pci_modern_dev')).toBeLessThan(order.indexOf('virtio_pci'));
  expect(order.indexOf('virtio')).toBeLessThan(order.indexOf('virtio_blk'));
});

test('a module that is built into the kernel is not loaded', () => {
  expect(moduleLoadOrder(['ext4', 'virtio_ring'], modulesDep, 'kernel/fs/ext4/ext4.ko\n')).toEqual(['kernel/drivers/virtio/virtio_ring.ko']);
});

test('dashes, underscores and compression do not hide a module', () => {
  expect(moduleLoadOrder(['nls_iso8859_1'], modulesDep, '')).toEqual(['kernel/fs/nls/nls_iso8859-1.ko.xz']);
});

test('a module the kernel does not have is named', () => {
  expect(() => moduleLoadOrder(['isofs'], modulesDep, '')).toThrow('no module isofs');
});
