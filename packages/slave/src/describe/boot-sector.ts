/**
 * The smallest guest that proves a processor runs guests: 512 bytes that a BIOS loads at 0x7c00.
 *
 * A sector that stays in 16-bit mode proves too little. Seen on a nested host without hardware
 * virtualisation: KVM interprets real-mode code in software, so such a sector answers after 2 s, while
 * a Linux kernel hangs for ever at its first 64-bit instruction. So this one does what every kernel
 * does first (page tables, long mode) and then computes 20 million steps of a known sequence
 * (x := 1664525·x + 1013904223 modulo 2³², from 0x5eed): 30 ms on a processor, 0.1 s under TCG, minutes
 * where each instruction is interpreted. It ends by writing one byte to QEMU's isa-debug-exit device,
 * whose exit status is then 2·byte + 1.
 */
const listing: readonly (readonly [code: string, assembly: string])[] = [
  ['fa', 'cli'],
  ['31c0', 'xor ax, ax'],
  ['8ed8', 'mov ds, ax'],
  ['8ec0', 'mov es, ax'],
  // Page tables at 0x1000, 0x2000, 0x3000: the first 2 MiB mapped on themselves.
  ['66bf00100000', 'mov edi, 0x1000'],
  ['0f22df', 'mov cr3, edi'],
  ['b9000c', 'mov cx, 0xc00'],
  ['fc', 'cld'],
  ['6631c0', 'xor eax, eax'],
  ['f366ab', 'rep stosd'],
  ['66c706001003200000', 'mov dword [0x1000], 0x2003'],
  ['66c706002003300000', 'mov dword [0x2000], 0x3003'],
  ['66c706003083000000', 'mov dword [0x3000], 0x0083'],
  // PAE, then the long-mode bit of EFER, then protection and paging at once.
  ['0f20e0', 'mov eax, cr4'],
  ['0c20', 'or al, 0x20'],
  ['0f22e0', 'mov cr4, eax'],
  ['66b9800000c0', 'mov ecx, 0xc0000080'],
  ['0f32', 'rdmsr'],
  ['80cc01', 'or ah, 1'],
  ['0f30', 'wrmsr'],
  ['0f01169b7c', 'lgdt [0x7c9b]'],
  ['0f20c0', 'mov eax, cr0'],
  ['660d01000080', 'or eax, 0x80000001'],
  ['0f22c0', 'mov cr0, eax'],
  ['ea607c0800', 'jmp 0x08:0x7c60'],
  // 64-bit from here.
  ['b9002d3101', 'mov ecx, 20000000'],
  ['b8ed5e0000', 'mov eax, 0x5eed'],
  ['69c00d661900', 'again: imul eax, eax, 1664525'],
  ['055ff36e3c', 'add eax, 1013904223'],
  ['ffc9', 'dec ecx'],
  ['75f1', 'jnz again'],
  ['3dedc3b424', 'cmp eax, 0x24b4c3ed'],
  ['0f94c0', 'sete al'],
  ['0429', 'add al, 0x29'],
  ['66baf400', 'mov dx, 0xf4'],
  ['ee', 'out dx, al'],
  ['f4', 'stop: hlt'],
  ['ebfd', 'jmp stop'],
  ['0000000000000000', 'gdt: null'],
  ['ffff0000009aaf00', 'gdt: 64-bit code'],
  ['0f008b7c0000', 'gdtr: 16 bytes at 0x7c8b'],
];

const sectorBytes = 512;
const signature = Buffer.from([0x55, 0xaa]);

/** The sector, padded and signed as a BIOS wants it. */
export function bootSector(): Buffer {
  const code = Buffer.from(listing.map(([bytes]) => bytes).join(''), 'hex');
  return Buffer.concat([code, Buffer.alloc(sectorBytes - signature.length - code.length), signature]);
}

/** I/O port of the debug-exit device the sector writes to. */
export const debugExitPort = 0xf4;
/** The sum came out right: the byte was 0x2a. */
export const ranStatus = 0x2a * 2 + 1;
/** It ran but computed something else: the byte was 0x29. */
export const miscomputedStatus = 0x29 * 2 + 1;
