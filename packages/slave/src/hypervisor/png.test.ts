import { inflateSync } from 'node:zlib';
import { asPng, encodePng } from './png';

describe('a screenshot', () => {
  const red = Buffer.from([255, 0, 0]);

  it('stays as it is when QEMU gives PNG', () => {
    const png = encodePng(1, 1, red);
    expect(asPng(png)).toBe(png);
  });

  it('becomes PNG when an older QEMU gives PPM', () => {
    const ppm = Buffer.concat([Buffer.from('P6\n2 1\n255\n'), red, Buffer.from([0, 0, 255])]);
    const png = asPng(ppm);
    expect(png.readUInt32BE(16)).toBe(2);
    expect(png.readUInt32BE(20)).toBe(1);
    const length = png.readUInt32BE(33);
    expect([...inflateSync(png.subarray(41, 41 + length))]).toEqual([0, 255, 0, 0, 0, 0, 255]);
  });

  it('is refused when it is something else or cut short', () => {
    expect(() => asPng(Buffer.from('GIF89a'))).toThrow(/neither PNG nor PPM/);
    expect(() => asPng(Buffer.from('P6\n2 2\n255\nabc'))).toThrow(/cut short/);
  });
});
