import { createServer } from 'node:net';
import { RfbScreen } from '../../src/hypervisor/simulated/rfb-screen';

/** The screen of a simulated guest with nothing before it, at the port of 127.0.0.1 that the argument names: what a bench compares a console with. */
const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => undefined);
  void new RfbScreen(socket, 'nobody').serve();
});
server.listen(Number(process.argv[2]), '127.0.0.1');
process.once('SIGTERM', () => process.exit(0));
