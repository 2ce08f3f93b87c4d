import type { IncomingMessage } from 'node:http';

/** What proxies add, also those of the large networks. */
const proxyHeader = /^(?:forwarded|via|x-(?:forwarded|original|envoy|azure|amzn)-.+|x-(?:real|client|cluster-client)-ip|(?:true|fastly)-client-ip|cf-.+|cdn-loop)$/;

/**
 * By what a request shows that it came through a proxy, in the words of "This …"; null: by nothing. Behind one the peer's address says nothing
 * about who asks. A proxy that adds no header and speaks HTTP/1.1 shows nothing.
 */
export function throughProxy({ headers, httpVersionMajor, httpVersionMinor }: Pick<IncomingMessage, 'headers' | 'httpVersionMajor' | 'httpVersionMinor'>): string | null {
  const header = Object.keys(headers).find((name) => proxyHeader.test(name));
  if (header !== undefined) return `came through a proxy (${header})`;
  // Programs speak 1.1; of proxies that add no header of their own, nginx is the common one, and speaks 1.0 unless it is told.
  return httpVersionMajor === 1 && httpVersionMinor === 0 ? 'came by HTTP/1.0, as proxies send it' : null;
}
