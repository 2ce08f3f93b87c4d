import { crc32, deflateSync } from 'node:zlib';
import { HypervisorError } from './driver';

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** PNG as it is; binary PPM ("P6", what QEMU before 7.1 gives) turned into PNG. Throws `failed` on anything else. */
export function asPng(image: Buffer): Buffer {
  if (image.subarray(0, signature.length).equals(signature)) return image;
  const [whole, width, height] = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(image.subarray(0, 64).toString('latin1')) ?? [];
  if (whole === undefined) throw new HypervisorError('failed', 'the screenshot is neither PNG nor PPM');
  const pixels = image.subarray(whole.length);
  const size = { width: Number(width), height: Number(height) };
  if (pixels.length < size.width * size.height * 3) throw new HypervisorError('failed', 'the screenshot is cut short');
  return encodePng(size.width, size.height, pixels);
}

/** Writes 8-bit RGB pixels as PNG (W3C PNG, third edition), without filtering. */
export function encodePng(width: number, height: number, rgb: Buffer): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const row = width * 3;
  const lines = Buffer.alloc((row + 1) * height);
  for (let y = 0; y < height; y += 1) rgb.copy(lines, y * (row + 1) + 1, y * row, (y + 1) * row);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(lines)), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(typed.length + 8);
  out.writeUInt32BE(data.length, 0);
  typed.copy(out, 4);
  out.writeUInt32BE(crc32(typed), typed.length + 4);
  return out;
}
