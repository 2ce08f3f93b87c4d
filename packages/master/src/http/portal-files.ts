import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/** How a file is sent; `identity` is the file as it is. */
export type Coding = 'br' | 'gzip' | 'identity';

/** One file of the portal, read once. */
export interface PortalFile {
  readonly type: string;
  readonly etag: (coding: Coding) => string;
  /** Whether its name changes with its content, so that whoever has it need not ask again. */
  readonly isHashed: boolean;
  /** Whether it is worth compressing: pictures and fonts are compressed already. */
  readonly isText: boolean;
  bytes(coding: Coding): Promise<Buffer>;
}

/** The files by the path they are asked for, `/index.html`; nothing else can be reached. */
export type PortalFiles = ReadonlyMap<string, PortalFile>;

/** A portal is a few MiB: far more than this is not one, and would lie in memory. */
const mostBytes = 64 * 1024 * 1024;

const types: Readonly<Record<string, { readonly type: string; readonly isText: boolean }>> = {
  '.html': { type: 'text/html; charset=utf-8', isText: true },
  '.js': { type: 'text/javascript; charset=utf-8', isText: true },
  '.css': { type: 'text/css; charset=utf-8', isText: true },
  '.json': { type: 'application/json', isText: true },
  '.webmanifest': { type: 'application/manifest+json', isText: true },
  '.svg': { type: 'image/svg+xml', isText: true },
  '.txt': { type: 'text/plain; charset=utf-8', isText: true },
  '.png': { type: 'image/png', isText: false },
  '.ico': { type: 'image/x-icon', isText: false },
  '.jpg': { type: 'image/jpeg', isText: false },
  '.webp': { type: 'image/webp', isText: false },
  '.woff': { type: 'font/woff', isText: false },
  '.woff2': { type: 'font/woff2', isText: false },
  '.ttf': { type: 'font/ttf', isText: true },
  '.wasm': { type: 'application/wasm', isText: true },
};

/**
 * Reads what `vite build` made: index.html, and assets whose names hold their hash. Files of other kinds (source maps)
 * are left out, and so is what a link points to. Null when there is no portal in this directory.
 *
 * Throws when it holds more than a portal can.
 */
export async function readPortal(directory: string): Promise<PortalFiles | null> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  });
  const files = new Map<string, PortalFile>();
  let size = 0;
  for (const entry of entries) {
    const kind = types[extname(entry.name)];
    if (!entry.isFile() || kind === undefined) continue;
    const path = join(entry.parentPath, entry.name);
    const content = await readFile(path);
    size += content.length;
    if (size > mostBytes) throw new Error(`${directory} holds more than ${String(mostBytes / 1024 / 1024)} MiB, so it is no portal. Set portal.directory to what "vite build" made, or to null.`);
    const name = `/${relative(directory, path).split(sep).join('/')}`;
    files.set(name, portalFile(name, kind, content));
  }
  return files.has('/index.html') ? files : null;
}

function portalFile(name: string, { type, isText }: { readonly type: string; readonly isText: boolean }, content: Buffer): PortalFile {
  const hash = createHash('sha256').update(content).digest('base64url').slice(0, 22);
  const compressed = new Map<Coding, Promise<Buffer>>([['identity', Promise.resolve(content)]]);
  return {
    type,
    isText,
    isHashed: name.startsWith('/assets/'),
    etag: (coding) => `"${hash}-${coding}"`,
    // When first asked for: a master that nobody visits compresses nothing.
    bytes: (coding) => {
      const made = compressed.get(coding) ?? (coding === 'br' ? brotli(content) : gzipped(content));
      compressed.set(coding, made);
      return made;
    },
  };
}

// The highest quality takes ten times as long for 3 % less.
const brotli = (content: Buffer): Promise<Buffer> =>
  promisify(brotliCompress)(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: content.length } });
const gzipped = (content: Buffer): Promise<Buffer> => promisify(gzip)(content, { level: 9 });
