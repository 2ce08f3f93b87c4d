import type { Principal } from '@paravcl/shared/domain/people';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { clientAddress, countedAddress } from '../client-address';
import { isOwnOrigin } from '../same-origin';
import { throughProxy } from '../through-proxy';

/** Who asks, and what their requests are counted under. */
export interface FabricCaller {
  readonly principal: Principal;
  readonly countedAs: string;
}

export interface FabricRefusal {
  readonly status: 401 | 403;
  readonly sentence: string;
}

export interface FabricCallerDeps {
  readonly apiTokens: { principalOf(token: string): Promise<Principal | null> };
  /** Of `fabric.allow`. */
  readonly isAllowed: (address: string) => boolean;
  /** `fabric.behindProxy`: every address is the proxy's. */
  readonly behindProxy: boolean;
  /** Whether guests of the pool come from this address: it is a host's, by which they leave, or their own. */
  readonly isOfGuests: (address: string) => Promise<boolean>;
  /** `fabric.user`; null: only tokens are answered. */
  readonly user: string | null;
  /** That user now; null: there is none, or the account is disabled. */
  readonly principalOfUser: (name: string) => Promise<Principal | null>;
  /** Whether the master answers to this name or address. */
  readonly isOwnName: (name: string) => boolean;
}

const howToAsk = 'Send an API token: Authorization: Bearer pva_… (My account, API tokens).';

/**
 * Whom a request of the Fabric API acts for, in this order:
 * 1. A browser that another site made send it: nobody. It may have been made to by any page (CSRF), or think that the page's name is ours (DNS rebinding).
 * 2. An Authorization header decides alone: the owner of the API token. Sessions are for people, and are not taken here.
 * 3. Without one, as the clients of the original send it: the user the site names, if the peer itself has an allowed address that no guest
 *    comes from, is no browser, comes through no proxy and asked for a name of ours. Whoever is at a browser of an allowed machine is not
 *    its programs, and whoever is in a guest of an allowed machine is not that machine.
 * A cookie is never looked at.
 */
export async function fabricCaller(request: IncomingMessage, deps: FabricCallerDeps): Promise<FabricCaller | FabricRefusal> {
  const { headers } = request;
  if (isForeign(headers)) return { status: 403, sentence: 'A browser sent this from a page of another site. The Fabric API is for programs.' };
  if (headers.authorization !== undefined) return ofToken(headers.authorization, deps);

  const address = clientAddress(request);
  if (deps.behindProxy) return { status: 401, sentence: `The master is behind a proxy (fabric.behindProxy), so nobody knows from where this came. ${howToAsk}` };
  if (!deps.isAllowed(address)) return { status: 401, sentence: `${address} is not among the addresses that need no token (fabric.allow). ${howToAsk}` };
  const proxied = throughProxy(request);
  if (proxied !== null) return { status: 401, sentence: `This ${proxied}, so nobody knows from where. ${howToAsk}` };
  if (isOfBrowser(headers)) return { status: 403, sentence: `A browser sent this. Without a token the Fabric API answers programs only. ${howToAsk}` };
  // The loopback is the master's own machine, whose guests do not come from there.
  if (!isLoopback(address) && (await deps.isOfGuests(address))) return { status: 403, sentence: `${address} is a host of the pool or a guest's: whoever has a machine there could send this, whatever fabric.allow says. ${howToAsk}` };
  if (!deps.isOwnName(nameIn(headers.host))) return { status: 403, sentence: 'This was sent to a name that is not the master’s. Use its publicUrl, or an address of it.' };
  if (deps.user === null) return { status: 401, sentence: `Nobody is named for whom programs without a token act (fabric.user). ${howToAsk}` };
  const principal = await deps.principalOfUser(deps.user);
  if (principal === null) return { status: 401, sentence: `There is no user ${deps.user} (fabric.user), or the account is disabled. ${howToAsk}` };
  return { principal, countedAs: `address ${countedAddress(address)}` };
}

async function ofToken(header: string, { apiTokens }: FabricCallerDeps): Promise<FabricCaller | FabricRefusal> {
  const token = /^Bearer +(pva_[\w-]{1,200})$/i.exec(header)?.[1];
  const principal = token === undefined ? null : await apiTokens.principalOf(token);
  if (principal === null) return { status: 401, sentence: `This is no API token, or it is revoked or expired. ${howToAsk}` };
  return { principal, countedAs: `user ${principal.userId}` };
}

function isForeign({ origin, host, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  return (site !== undefined && site !== 'same-origin' && site !== 'none') || (origin !== undefined && !isOwnOrigin(origin, host));
}

/** What browsers send to every HTTPS address (Fetch Metadata), or by habit. Not `sec-fetch-mode`: programs on Node's fetch send that too. */
const browserHeaders = ['sec-fetch-site', 'sec-fetch-dest', 'origin', 'referer', 'cookie'] as const;

/**
 * Those from before Fetch Metadata (Safari until 16.4) are known by their languages and by their name, which a page cannot change. Node's
 * fetch sends `*` for any language; curl and Python's urllib and requests, which the clients of the original are, send none and call themselves what they are.
 */
function isOfBrowser(headers: IncomingHttpHeaders): boolean {
  const { 'accept-language': languages = '*', 'user-agent': name = '' } = headers;
  return browserHeaders.some((each) => headers[each] !== undefined) || languages !== '*' || /^mozilla/i.test(name.trim());
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^127\.\d+\.\d+\.\d+$/.test(address);
}

/** `lab.example` of `lab.example:8443`, `::1` of `[::1]:8443`; empty when there is none. */
function nameIn(host: string | undefined): string {
  if (host === undefined || !URL.canParse(`https://${host}`)) return '';
  return new URL(`https://${host}`).hostname.replace(/^\[|\]$/g, '').toLowerCase();
}
