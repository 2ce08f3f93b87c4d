import type { Duplex } from 'node:stream';
import { RfbReader } from './rfb-reader';

/** Largest text of the clipboard that is taken; it goes nowhere. */
const clipboardBytes = 64 * 1024;
/** As a socket would give it; a stream takes at most 1 MiB at once. */
const pieceBytes = 64 * 1024;
const [width, height] = [640, 480];
const cellPixels = 16;
const framesPerSecond = 30;
/** A moving picture is of this many rows and columns: 20 KiB at four bytes a pixel. */
const moviePixels = 72;
/** X11 keysym of F12. */
const movieKey = 0xffc9;

interface PixelFormat {
  readonly bytes: 1 | 2 | 4;
  readonly bigEndian: boolean;
  readonly max: readonly [number, number, number];
  readonly shift: readonly [number, number, number];
}

interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const ownFormat: PixelFormat = { bytes: 4, bigEndian: false, max: [255, 255, 255], shift: [16, 8, 0] };

/**
 * The screen of a simulated guest, spoken as RFB (RFC 6143): version 3.8, no security, raw encoding. A fixed picture, of which the cell at the
 * top left has another colour after each key that is pressed. F12 makes a square of it flicker 30 times a second, and again stop. Its name says that there is no guest.
 */
export class RfbScreen {
  private format = ownFormat;
  private keys = 0;
  private frame = 0;
  /** The client asked for what changes, and nothing has since. */
  private isAwaited = false;
  private changed: Area | null = null;
  private movie: NodeJS.Timeout | null = null;

  constructor(
    private readonly stream: Duplex,
    private readonly guestName: string,
  ) {
    stream.once('close', () => this.stopMovie());
  }

  /** Serves the client until it is gone; one that says what is no RFB is hung up on. */
  async serve(): Promise<void> {
    try {
      await this.speak(new RfbReader(this.stream));
    } catch {
      // It went, or what it said was no RFB: the end is the same.
    } finally {
      this.stream.destroy();
    }
  }

  private async speak(reader: RfbReader): Promise<void> {
    this.stream.write('RFB 003.008\n');
    const version = (await reader.take(12)).toString('latin1');
    if (version !== 'RFB 003.008\n') throw new Error(`The client speaks ${JSON.stringify(version)}.`);
    this.stream.write(Buffer.from([1, 1]));
    if ((await reader.take(1))[0] !== 1) throw new Error('The client chose a security type that was not offered.');
    this.stream.write(Buffer.alloc(4));
    await reader.take(1);
    this.stream.write(serverInit(`simulated screen of ${this.guestName}: there is no guest`));
    for (;;) await this.hear((await reader.take(1))[0] ?? -1, reader);
  }

  private async hear(type: number, reader: RfbReader): Promise<void> {
    switch (type) {
      case 0:
        this.format = pixelFormat((await reader.take(19)).subarray(3));
        return;
      case 2:
        await reader.take((await reader.take(3)).readUInt16BE(1) * 4);
        return;
      case 3:
        return this.asked(await reader.take(9));
      case 4: {
        const event = await reader.take(7);
        if (event[0] !== 0) this.pressed(event.readUInt32BE(3));
        return;
      }
      case 5:
        await reader.take(5);
        return;
      case 6: {
        const length = (await reader.take(7)).readUInt32BE(3);
        if (length > clipboardBytes) throw new Error(`The clipboard has ${length} bytes.`);
        await reader.take(length);
        return;
      }
      default:
        throw new Error(`There is no message of type ${type}.`);
    }
  }

  private asked(request: Buffer): void {
    const [x, y] = [request.readUInt16BE(1), request.readUInt16BE(3)];
    const area = { x, y, width: Math.min(request.readUInt16BE(5), width - x), height: Math.min(request.readUInt16BE(7), height - y) };
    if (request[0] === 0 && area.width > 0 && area.height > 0) this.draw(area);
    else this.isAwaited = true;
    this.answer();
  }

  private pressed(key: number): void {
    if (key === movieKey) {
      if (this.movie !== null) this.stopMovie();
      else {
        this.movie = setInterval(() => {
          this.frame += 1;
          this.change({ x: 0, y: 0, width: moviePixels, height: moviePixels });
        }, 1000 / framesPerSecond);
      }
      return;
    }
    this.keys += 1;
    this.change({ x: 0, y: 0, width: cellPixels, height: cellPixels });
  }

  private change(area: Area): void {
    if (this.changed === null || this.changed.width < area.width) this.changed = area;
    this.answer();
  }

  private answer(): void {
    if (!this.isAwaited || this.changed === null || this.stream.writableNeedDrain) return;
    const area = this.changed;
    [this.isAwaited, this.changed] = [false, null];
    this.draw(area);
  }

  private draw(area: Area): void {
    if (this.stream.destroyed) return;
    const head = Buffer.alloc(16);
    head.writeUInt16BE(1, 2);
    [area.x, area.y, area.width, area.height].forEach((each, index) => head.writeUInt16BE(each, 4 + 2 * index));
    const update = Buffer.concat([head, this.pixels(area)]);
    for (let at = 0; at < update.length; at += pieceBytes) this.stream.write(update.subarray(at, at + pieceBytes));
  }

  private pixels(area: Area): Buffer {
    const { bytes, bigEndian } = this.format;
    const out = Buffer.alloc(area.width * area.height * bytes);
    const put = (value: number, to: number): void => void (bigEndian ? out.writeUIntBE(value, to, bytes) : out.writeUIntLE(value, to, bytes));
    if (this.isMovieFrame(area)) {
      put(this.colour(this.frame % 640, this.frame % 480), 0);
      return out.fill(Buffer.from(out.subarray(0, bytes)));
    }
    let at = 0;
    for (let y = area.y; y < area.y + area.height; y += 1) {
      for (let x = area.x; x < area.x + area.width; x += 1) {
        put(this.colour(x, y), at);
        at += bytes;
      }
    }
    return out;
  }

  private colour(x: number, y: number): number {
    const { max, shift } = this.format;
    const step = x < cellPixels && y < cellPixels ? this.keys * 37 : 0;
    const rgb = [(x + step) & 255, (y + step) & 255, (64 + step) & 255];
    return rgb.reduce((sum, each, index) => (sum | (((each * (max[index] ?? 0)) >> 8) << (shift[index] ?? 0))) >>> 0, 0) >>> 0;
  }

  /** Of one colour, so that many can be made. */
  private isMovieFrame(area: Area): boolean {
    return this.movie !== null && area.x === 0 && area.y === 0 && area.width === moviePixels && area.height === moviePixels;
  }

  private stopMovie(): void {
    if (this.movie !== null) clearInterval(this.movie);
    this.movie = null;
  }
}

/** Of RFC 6143 7.4; colour maps are not served. */
function pixelFormat(said: Buffer): PixelFormat {
  const bytes = (said[0] ?? 0) / 8;
  if (bytes !== 1 && bytes !== 2 && bytes !== 4) throw new Error('A pixel has 8, 16 or 32 bits.');
  if (said[3] === 0) throw new Error('Colour maps are not served.');
  return { bytes, bigEndian: said[2] !== 0, max: [said.readUInt16BE(4), said.readUInt16BE(6), said.readUInt16BE(8)], shift: [(said[10] ?? 0) & 31, (said[11] ?? 0) & 31, (said[12] ?? 0) & 31] };
}

function serverInit(name: string): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt16BE(width, 0);
  head.writeUInt16BE(height, 2);
  head.set([32, 24, 0, 1], 4);
  [255, 255, 255].forEach((each, index) => head.writeUInt16BE(each, 8 + 2 * index));
  head.set([16, 8, 0], 14);
  head.writeUInt32BE(Buffer.byteLength(name), 20);
  return Buffer.concat([head, Buffer.from(name)]);
}
