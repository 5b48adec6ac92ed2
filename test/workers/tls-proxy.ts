import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';

/** The files of an authority of one's own: its certificate, and a server's and a client's that it has signed. */
export interface Certificates {
  readonly ca: string;
  readonly server: Pair;
  readonly client: Pair;
}

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Makes an authority and two certificates for `localhost` with openssl. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-subj',
    '/CN=test authority',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  );
  await writeFile(join(folder, 'san.txt'), 'subjectAltName=DNS:localhost\n');
  const sign = (name: string): Pair => {
    openssl('req', ...key, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'san.txt'];
    openssl('x509', '-req', '-in', `${name}.csr`, ...signed, '-out', `${name}.pem`);
    return { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  };
  return { ca: join(folder, 'ca.pem'), server: sign('server'), client: sign('client') };
}

/** What stands before a Temporal server that has no TLS: it takes only clients that the authority has signed. */
export interface TlsProxy extends AsyncDisposable {
  readonly address: string;
  /** Names in the certificates of the clients that came in. */
  readonly clients: ReadonlySet<string>;
}

/** Starts a proxy that ends TLS and hands the bytes on to `target`, `host:port`. */
export async function startTlsProxy(target: string, given: Certificates): Promise<TlsProxy> {
  const clients = new Set<string>();
  const [host = '', targetPort = ''] = target.split(':');
  const server = createServer({
    cert: await readFile(given.server.cert),
    key: await readFile(given.server.key),
    ca: await readFile(given.ca),
    requestCert: true,
    ALPNProtocols: ['h2'],
  });
  const open = new Set<{ destroy(): void }>();
  server.on('tlsClientError', () => undefined);
  server.on('secureConnection', (socket) => {
    clients.add(String(socket.getPeerCertificate().subject.CN));
    const onwards = connect(Number(targetPort), host);
    for (const [from, to] of [
      [socket, onwards],
      [onwards, socket],
    ] as const) {
      open.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    address: `localhost:${address.port}`,
    clients,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
