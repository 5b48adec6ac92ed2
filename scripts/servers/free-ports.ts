import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

// Below the kernel's range for outgoing connections (32768 on Linux, 49152 on macOS): a port from
// that range can be taken by any client between our look and the server's bind.
const LOWEST = 20_000;
const HIGHEST = 32_000;
const ATTEMPTS = 200;

const handedOut = new Set<number>();

/** Whether nothing listens on a port of 127.0.0.1 now. */
export async function isPortFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen({ port, host: '127.0.0.1', exclusive: true });
    await once(probe, 'listening');
  } catch {
    return false;
  }
  probe.close();
  await once(probe, 'close');
  return true;
}

/**
 * A port of 127.0.0.1 on which nothing listens, never the same twice in one process.
 * Another process may take it before the server binds: a starter tries again with new ones.
 *
 * @param given.andAbove - also wants port + this number free (SeaweedFS derives one port so)
 */
export async function freePort(given: { andAbove?: number } = {}): Promise<number> {
  const above = given.andAbove ?? 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(LOWEST, HIGHEST - above);
    const ports = above === 0 ? [port] : [port, port + above];
    if (ports.some((one) => handedOut.has(one))) continue;
    for (const one of ports) handedOut.add(one);
    const free = await Promise.all(ports.map(isPortFree));
    if (free.every(Boolean)) return port;
  }
  throw new Error(`no free port on 127.0.0.1 between ${LOWEST} and ${HIGHEST}: end some servers`);
}
