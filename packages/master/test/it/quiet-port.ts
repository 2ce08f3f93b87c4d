import { freePort } from '@paravcl/workbench/lab/free-port';
import { randomInt } from 'node:crypto';

/** A port of 127.0.0.1 that nobody has, below those that the kernel gives to whoever asks for any (ip(7), ip_local_port_range): between two uses it stays free. */
export const quietPort = (): Promise<number> => freePort('127.0.0.1', randomInt(10_000, 30_000));
