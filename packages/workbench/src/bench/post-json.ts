import { request as httpsRequest } from 'node:https';

/** Posts one JSON body; answers the body of a 2xx. Throws with what was answered otherwise. */
export async function postJson(url: URL, ca: string, body: unknown): Promise<string> {
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = httpsRequest(url, { method: 'POST', ca, agent: false, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const answer = Buffer.concat(parts).toString('utf8');
        if ((response.statusCode ?? 0) >= 300) reject(new Error(`POST ${url.pathname}: ${String(response.statusCode)} ${answer}`));
        else resolve(answer);
      });
    });
    request.on('error', reject);
    request.end(text);
  });
}
