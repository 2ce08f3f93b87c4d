import type { Request, RequestHandler, Response } from 'express';
import type { Coding, PortalFile, PortalFiles } from './portal-files';

/**
 * What a page of the portal may do. Nothing inline: React, noVNC and uPlot style by script alone, and what xterm.js would write as
 * <style> elements the portal adopts as style sheets (`pages/console/adopted-styles`).
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  // The live feed and consoles too: 'self' covers wss:// of the same host.
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** A console pastes, copies and fills the screen; nothing else of the device is asked for. */
const permissionsPolicy = 'clipboard-read=(self), clipboard-write=(self), fullscreen=(self), camera=(), geolocation=(), microphone=(), payment=(), usb=()';

/** Addresses of programs: what is not found there is a problem and no page. */
const programs = /^\/(api|agent|vm|pm|image|healthz|readyz|metrics|assets)(\/|$)/i;

/**
 * Answers with the portal: its files by name, and its document for every address that a person opens in a browser, such
 * as /machines/123, which the portal reads itself. Everything else is left to who comes next.
 */
export function portalHandler(files: PortalFiles): RequestHandler {
  const document = files.get('/index.html');
  return async (request, response, next) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      next();
      return;
    }
    // The path as it was sent: a name that needs decoding is none of ours.
    const file = request.path === '/' ? document : (files.get(request.path) ?? (isVisit(request) ? document : undefined));
    if (file === undefined) next();
    else await sendFile(file, request, response);
  };
}

/** Whether a person opens this address: browsers ask for text/html by name, programs for anything. */
function isVisit(request: Request): boolean {
  return !programs.test(request.path) && request.accepts(['application/problem+json', 'text/html']) === 'text/html';
}

async function sendFile(file: PortalFile, request: Request, response: Response): Promise<void> {
  const coding = file.isText ? codingFor(request) : 'identity';
  response.set({
    'Content-Type': file.type,
    'Cache-Control': file.isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
    'Content-Security-Policy': contentSecurityPolicy,
    'Permissions-Policy': permissionsPolicy,
    ETag: file.etag(coding),
    ...(file.isText ? { Vary: 'Accept-Encoding' } : {}),
    ...(coding === 'identity' ? {} : { 'Content-Encoding': coding }),
  });
  // Also answers HEAD, and 304 to who has it already.
  response.send(await file.bytes(coding));
}

/** The smallest the client takes: asked one by one, because browsers name gzip first and mean no order. */
function codingFor(request: Request): Coding {
  if (request.acceptsEncodings('br') === 'br') return 'br';
  return request.acceptsEncodings('gzip') === 'gzip' ? 'gzip' : 'identity';
}
