import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { isAlive } from '../scripts/servers/is-alive.js';
import { startS3Server, type S3Server } from '../scripts/servers/s3-server.js';
import { startTemporalServer, type TemporalServer } from '../scripts/servers/temporal-server.js';
import { SEARCH_ATTRIBUTES } from '../domain/search-attributes.js';

/** In the project whose tests run. */
const PLACE = path.resolve('.switchyard/test');

/** What a test needs to reach the two servers that this run started. */
export interface TestServers {
  readonly temporal: {
    readonly address: string;
    readonly namespace: 'default';
    /** The web UI. */
    readonly uiUrl: string;
  };
  readonly s3: {
    readonly endpoint: string;
    readonly bucket: string;
    readonly region: 'us-east-1';
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  };
}

/** A build's last run is looked for every second, and not every three minutes. */
const SOON_DRAINED = {
  'matching.wv.VersionDrainageStatusRefreshInterval': '"1s"',
  'matching.wv.VersionDrainageStatusVisibilityGracePeriod': '"1s"',
};

interface Running {
  readonly folder: string;
  readonly temporal: TemporalServer;
  readonly s3: S3Server;
}

let running: Promise<Running> | undefined;

/** One Temporal server and one S3 server for the whole run, started by the first test that asks. */
export async function testServers(): Promise<TestServers> {
  running ??= start();
  const { temporal, s3 } = await running;
  const { endpoint, bucket, region, accessKeyId, secretAccessKey } = s3;
  return {
    temporal: { address: temporal.address, namespace: 'default', uiUrl: temporal.uiUrl },
    s3: { endpoint, bucket, region, accessKeyId, secretAccessKey },
  };
}

/** Ends what `testServers` started, and deletes its data; nothing where no test asked. */
export async function stopTestServers(): Promise<void> {
  const started = await running?.catch(() => undefined);
  running = undefined;
  if (started === undefined) return;
  await Promise.all([started.temporal.stop(), started.s3.stop()]);
  await rm(started.folder, { recursive: true, force: true });
}

async function start(): Promise<Running> {
  await mkdir(PLACE, { recursive: true });
  await removeLeftovers();
  const folder = await mkdtemp(path.join(PLACE, `run-${process.pid}-`));
  const temporal = startTemporalServer({
    directory: path.join(folder, 'temporal'),
    searchAttributes: SEARCH_ATTRIBUTES,
    dynamicConfig: SOON_DRAINED,
  });
  const s3 = startS3Server({ directory: path.join(folder, 's3'), bucket: 'switchyard-test' });
  const [one, other] = await Promise.allSettled([temporal, s3]);
  if (one.status === 'fulfilled' && other.status === 'fulfilled') {
    return { folder, temporal: one.value, s3: other.value };
  }
  // The one that came up would keep the run from ending.
  for (const result of [one, other]) if (result.status === 'fulfilled') await result.value.stop();
  await rm(folder, { recursive: true, force: true });
  // Throws what the one that failed said.
  return { folder, temporal: await temporal, s3: await s3 };
}

/** What runs that were killed left behind. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(PLACE)) {
    const pid = /^run-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    await rm(path.join(PLACE, name), { recursive: true, force: true });
  }
}
