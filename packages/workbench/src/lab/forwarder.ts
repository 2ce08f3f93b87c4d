import { connect, createServer, type NetConnectOpts, type Server } from 'node:net';

/**
 * Passes every connection on to `target`, bytes only. Two of them, with a unix socket between, lead from a port of this machine
 * into the lab: a socket in the file system is reached across network namespaces, so no interface or route
 * joins the lab to the machine's network.
 */
export async function forward(listen: { readonly path: string } | { readonly host: string; readonly port: number }, target: NetConnectOpts): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const onward = connect({ ...target, allowHalfOpen: true });
    client.on('error', () => onward.destroy()).on('close', () => onward.destroy());
    onward.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.pipe(onward);
    onward.pipe(client);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen, resolve);
  });
  return server;
}
