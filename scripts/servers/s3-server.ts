import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { serverBinary } from './binaries.js';
import { retryTakenPorts, startServerProcess, untilReady } from './child-process.js';
import { freePort } from './free-ports.js';

const NAME = 'the S3 server';
/** Its worker looks for the admin server here, whatever `-admin.port.grpc` says. */
const ADMIN_GRPC_OFFSET = 10_000;

/** How to start an S3 server. */
export interface S3ServerOptions {
  /** Holds the objects; made where missing. Objects survive a restart on the same directory. */
  readonly directory: string;
  /** Made at the start where missing; 3 to 63 characters. */
  readonly bucket: string;
  /** Default: random ones. A start with an earlier start's lets its clients go on. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Default: the one that set-up installs. */
  readonly binary?: string;
}

/** A running S3 server, and what a client needs to use it. */
export interface S3Server extends AsyncDisposable {
  /** `http://127.0.0.1:port`; address buckets by path, not by host name. */
  readonly endpoint: string;
  readonly region: 'us-east-1';
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly pid: number;
  /** Resolves when the server has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Ends the server; may be called again. */
  readonly stop: () => Promise<void>;
}

/**
 * Starts SeaweedFS on free ports of 127.0.0.1; resolves when it answers and has the bucket.
 * It ends at the latest when this process ends.
 *
 * @throws `PortError` `SetUpMissing` where the binary is not installed; Error with the server's last
 *   lines where it does not come up
 */
export async function startS3Server(options: S3ServerOptions): Promise<S3Server> {
  await mkdir(options.directory, { recursive: true });
  return retryTakenPorts(async () => {
    const ports = await choosePorts();
    const { accessKeyId, secretAccessKey } = options.credentials ?? {
      accessKeyId: randomBytes(10).toString('hex').toUpperCase(),
      secretAccessKey: randomBytes(30).toString('base64url'),
    };
    const server = await startServerProcess({
      name: NAME,
      binary: options.binary ?? serverBinary('weed'),
      args: commandLine(options, ports),
      env: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    });
    const endpoint = `http://127.0.0.1:${ports.s3}`;
    await untilReady(NAME, server, async () => {
      // The bucket is made last, and only the filer tells of it without a signature.
      const bucketUrl = `http://127.0.0.1:${ports.filer}/buckets/${options.bucket}/`;
      return (await isFine(`${endpoint}/healthz`)) && (await isFine(bucketUrl))
        ? 'ready'
        : 'not-yet';
    });
    const stop = async () => {
      await server.stop();
      await removeSockets(ports);
    };
    return {
      ...{ endpoint, region: 'us-east-1', bucket: options.bucket, accessKeyId, secretAccessKey },
      ...{ pid: server.pid, ended: server.ended, stop, [Symbol.asyncDispose]: stop },
    };
  });
}

type Ports = Awaited<ReturnType<typeof choosePorts>>;

async function choosePorts() {
  const admin = await freePort({ andAbove: ADMIN_GRPC_OFFSET });
  return {
    admin,
    adminGrpc: admin + ADMIN_GRPC_OFFSET,
    master: await freePort(),
    masterGrpc: await freePort(),
    volume: await freePort(),
    volumeGrpc: await freePort(),
    filer: await freePort(),
    filerGrpc: await freePort(),
    s3: await freePort(),
    s3Grpc: await freePort(),
  };
}

function commandLine(options: S3ServerOptions, ports: Ports): string[] {
  const flags = {
    dir: options.directory,
    bucket: options.bucket,
    ip: '127.0.0.1',
    'ip.bind': '127.0.0.1',
    // On unless told otherwise.
    'master.telemetry': false,
    'admin.ui': false,
    webdav: false,
    // As on Amazon, a bucket that nobody made is refused.
    's3.autoCreateBucket': false,
    // Nobody else asks the volume server, so it need not wait before it ends.
    'volume.preStopSeconds': 0,
    // Every port: those left out have fixed numbers, on which two checkouts would collide.
    'master.port': ports.master,
    'master.port.grpc': ports.masterGrpc,
    'volume.port': ports.volume,
    'volume.port.grpc': ports.volumeGrpc,
    'filer.port': ports.filer,
    'filer.port.grpc': ports.filerGrpc,
    's3.port': ports.s3,
    's3.port.grpc': ports.s3Grpc,
    'admin.port': ports.admin,
    'admin.port.grpc': ports.adminGrpc,
    's3.port.iceberg': 0,
    's3.port.lance': 0,
  };
  return ['mini', ...Object.entries(flags).map(([name, value]) => `-${name}=${String(value)}`)];
}

async function isFine(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  await response.body?.cancel();
  return response.ok;
}

/** It leaves some of its Unix sockets behind. */
async function removeSockets(ports: Ports): Promise<void> {
  const names = [
    ...[`filer-${ports.filer}`, `s3-${ports.s3}`, `admin-grpc-${ports.adminGrpc}`],
    ...[`master-grpc-${ports.masterGrpc}`, `volume-grpc-${ports.volumeGrpc}`],
    ...[`filer-grpc-${ports.filerGrpc}`, `s3-grpc-${ports.s3Grpc}`],
  ];
  await Promise.all(names.map((name) => rm(`/tmp/seaweedfs-${name}.sock`, { force: true })));
}
