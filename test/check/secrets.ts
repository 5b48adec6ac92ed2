import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { WorkflowFailedError, type Client } from '@temporalio/client';
import { createS3Client } from '../../adapters/object-store/s3-client.js';
import { S3ObjectStore } from '../../adapters/object-store/s3-object-store.js';
import { connectClient } from '../../client/connect.js';
import { readKeyFile } from '../../client/signing/key-file.js';
import { Switchyard } from '../../client/switchyard.js';
import { carry } from '../../scripts/demo/carry.js';
import { makePeople } from '../../scripts/demo/people.js';
import { createProgress } from '../../scripts/demo/progress.js';
import { startStack, type Stack } from '../../scripts/stack.js';
import { thisMachine } from '../bench/machine.js';
import { typeCommand } from '../support/typed-command.js';

/** Variables that people have in the environment of a worker, besides the store's. */
const VARIABLES = [
  ...['DATABASE_URL', 'PGPASSWORD', 'REDIS_URL', 'MONGODB_URI', 'SECRET_KEY', 'SESSION_SECRET'],
  ...['GITHUB_TOKEN', 'GITLAB_TOKEN', 'NPM_TOKEN', 'PYPI_TOKEN', 'HF_TOKEN', 'WANDB_API_KEY'],
  ...['OPENAI_API_KEY', 'ANTHROPIC_API_KEY', 'SLACK_BOT_TOKEN', 'STRIPE_SECRET_KEY'],
  ...['SENTRY_DSN', 'DD_API_KEY', 'GOOGLE_API_KEY', 'AZURE_CLIENT_SECRET', 'VAULT_TOKEN'],
  ...['SMTP_PASSWORD'],
];

/** Files of a home folder that hold one each. */
const FILES = ['.netrc', '.npmrc', '.aws/sso-token.json'];

/** A place where no secret may be, and what is in it. */
interface Place {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * `npm run check -- secrets`: plants secrets in environment, home folder, key files and store, lets a candidate live and die, and looks
 * for them in histories, logs, the bucket with its metadata, what commands say, and the environment of trainers and of models.
 */
async function main(): Promise<void> {
  const startedAt = Date.now();
  const progress = createProgress(startedAt);
  const directory = await mkdtemp(join(tmpdir(), 'switchyard-secrets-'));
  try {
    const secrets = await plant(directory);
    const people = await makePeople(join(directory, 'keys'));
    for (const name of await readdir(join(directory, 'keys'))) {
      if (!name.endsWith('.key.json')) continue;
      const { d } = await readKeyFile(join(directory, 'keys', name));
      secrets.set(`the private key ${name}`, d);
    }
    for (const { by, key } of people.approvers) {
      if (key !== undefined) secrets.set(`the private key of ${by}`, key.d);
    }
    const logs: string[] = [];
    const { trustFile, witnessKey } = people;
    await using stack = await startStack({
      ...{ directory, models: ['tickets'], trustFile, witnessKey },
      onLog: (text) => logs.push(text),
    });
    secrets.set('the store’s secret key', stack.s3.secretAccessKey);
    progress.say(`${secrets.size} secrets are planted`);
    const children = watchChildren();
    const told = await Promise.race([liveAndDie(stack, people, progress), stack.broken]);
    const seen = await children.stop();
    const places: Place[] = [
      ...(await historiesOf(stack)),
      ...(await objectsOf(stack)),
      ...seen,
      { name: 'the logs of worker and endpoint', bytes: Buffer.from(logs.join('')) },
      ...told.map((text, index) => ({ name: `command ${index + 1}`, bytes: Buffer.from(text) })),
    ];
    const found = places.flatMap((place) => leaksIn(place, secrets));
    tell(places, { secrets, found, startedAt });
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Secrets of this process, whose environment and home folder all others inherit, by what they are. */
async function plant(directory: string): Promise<Map<string, string>> {
  const secrets = new Map<string, string>();
  for (const name of VARIABLES) {
    const secret = randomBytes(18).toString('base64url');
    secrets.set(`the variable ${name}`, secret);
    process.env[name] = secret;
  }
  const home = join(directory, 'home');
  await mkdir(join(home, '.aws'), { recursive: true });
  for (const file of FILES) {
    const secret = randomBytes(18).toString('base64url');
    secrets.set(`the file ~/${file}`, secret);
    await writeFile(join(home, file), `token = ${secret}\n`);
  }
  process.env['HOME'] = home;
  return secrets;
}

/** One candidate goes live, one fails in its trainer, one is started wrongly; commands that are wrong, and a fallback. What was said. */
async function liveAndDie(
  { temporal: server, environment }: Stack,
  { approvers, visitorKey }: Awaited<ReturnType<typeof makePeople>>,
  progress: ReturnType<typeof createProgress>,
): Promise<readonly string[]> {
  const { client, close } = await connectClient({ address: server.address });
  const told: string[] = [];
  try {
    const switchyard = new Switchyard({ client });
    const given = { approvers, progress };
    await carry(switchyard, { ...given, title: 'a candidate', request: { model: 'tickets' } });
    for (const request of [
      { model: 'tickets', parameters: { regularisation: 'none' } },
      {
        model: 'tickets',
        trainRows: { from: '1990-01-01T00:00:00Z', until: '1990-01-02T00:00:00Z' },
      },
      { model: 'ticket' },
    ]) {
      const { workflowId } = await switchyard.start(request);
      told.push(await endOf(switchyard, workflowId));
    }
    const typed = { folder: process.cwd(), environment: { ...environment } };
    const key = { ...typed.environment, SWITCHYARD_KEY: visitorKey };
    for (const args of [
      ['status'],
      ['fallback', 'tickets', '--reason', 'nothing to go back to'],
      ['start', 'tickets', '--key', visitorKey, '--seed', '-1'],
      ['audit', 'tickets'],
      ['verify'],
      ['keys', 'trust', visitorKey, '--role', 'legal'],
      ['pull', 'tickets', '7'],
    ]) {
      const { stdout, stderr } = await typeCommand(args, { ...typed, environment: key });
      told.push(stdout, stderr);
    }
    const wrong = { ...typed.environment, S3_ENDPOINT: 'http://127.0.0.1:1' };
    const { stdout, stderr } = await typeCommand(['versions', 'tickets'], {
      ...{ folder: typed.folder, environment: wrong },
    });
    return [...told, stdout, stderr];
  } finally {
    await close();
  }
}

async function endOf(switchyard: Switchyard, workflowId: string): Promise<string> {
  try {
    return JSON.stringify(await switchyard.outcome(workflowId));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const cause = error instanceof WorkflowFailedError ? JSON.stringify(error.cause) : '';
    return `${error.stack ?? error.message} ${cause}`;
  }
}

/** Looks at the environments of trainers and of models' processes while they run. */
function watchChildren() {
  const seen = new Map<string, Place>();
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
        const read = async (file: string) =>
          readFile(`/proc/${pid}/${file}`).catch(() => Buffer.alloc(0)); // it has ended
        const command = (await read('cmdline')).toString().replaceAll('\0', ' ');
        const kind = /switchyard_kit|trainers\/\w+\/.*python/.test(command)
          ? 'trainer'
          : /inference-child/.test(command)
            ? 'model process'
            : null;
        const bytes = kind === null ? Buffer.alloc(0) : await read('environ');
        if (kind !== null && bytes.length > 0) {
          seen.set(`${kind} ${pid}`, { name: `the environment of ${kind} ${pid}`, bytes });
        }
      }
      await pause(50);
    }
  })();
  return {
    stop: async (): Promise<readonly Place[]> => {
      over.abort();
      await watching;
      for (const kind of ['trainer', 'model process']) {
        if ([...seen.keys()].some((name) => name.startsWith(kind))) continue;
        throw new Error(`no ${kind} was seen, so its environment was not looked at`);
      }
      return [...seen.values()];
    },
  };
}

/** Every history, memo and search attribute, as the server has them. */
async function historiesOf({ temporal: server }: Stack): Promise<readonly Place[]> {
  const { client, close } = await connectClient({ address: server.address });
  try {
    const places: Place[] = [];
    for await (const { workflowId, runId, memo, typedSearchAttributes } of listed(client)) {
      const name = `the history of ${workflowId}`;
      const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      places.push({ name, bytes: Buffer.concat(textsIn(history)) });
      const shown = JSON.stringify({ memo, typedSearchAttributes });
      places.push({ name: `the memo of ${workflowId}`, bytes: Buffer.from(shown) });
    }
    if (places.length === 0) throw new Error('the server has no history');
    return places;
  } finally {
    await close();
  }
}

/** All texts and bytes of a message, payloads as they are. */
function textsIn(value: unknown): Buffer[] {
  if (typeof value === 'string') return [Buffer.from(`${value}\n`)];
  if (value instanceof Uint8Array) return [Buffer.from(value), Buffer.from('\n')];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) => [
    Buffer.from(`${name}\n`),
    ...textsIn(each),
  ]);
}

const listed = (client: Client) => client.workflow.list();

/** Every object with its metadata. */
async function objectsOf({ s3 }: Stack): Promise<readonly Place[]> {
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = s3;
  const credentials = { accessKeyId, secretAccessKey };
  const store = new S3ObjectStore({ bucket, region, endpoint, credentials });
  const client = createS3Client({ region, endpoint, credentials });
  const places: Place[] = [];
  for (const { key } of (await store.list('')).objects) {
    const stored = await store.get(key);
    if (stored === null) continue; // a replica that has stopped
    places.push({ name: key, bytes: stored.bytes });
    const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    places.push({ name: `the metadata of ${key}`, bytes: Buffer.from(JSON.stringify(head)) });
  }
  client.destroy();
  return places;
}

/** Secrets as they are, and as base64, hexadecimal digits and URLs write them. */
function leaksIn({ name, bytes }: Place, secrets: ReadonlyMap<string, string>): readonly string[] {
  const haystack = Buffer.from(bytes);
  return [...secrets].flatMap(([what, secret]) => {
    const raw = Buffer.from(secret);
    // base64 of it wherever it begins in the text that was encoded
    const shifted = [0, 1, 2].map((shift) =>
      Buffer.concat([Buffer.alloc(shift), raw])
        .toString('base64')
        .slice(4, -4),
    );
    const forms = [secret, encodeURIComponent(secret), raw.toString('hex'), ...shifted];
    return forms.some((form) => haystack.includes(form)) ? [`${what} is in ${name}`] : [];
  });
}

function tell(
  places: readonly Place[],
  given: {
    readonly secrets: ReadonlyMap<string, string>;
    readonly found: readonly string[];
    readonly startedAt: number;
  },
): void {
  const { secrets, found, startedAt } = given;
  const { cores, processor, node } = thisMachine();
  const count = (pattern: RegExp) => places.filter(({ name }) => pattern.test(name)).length;
  const megabytes = places.reduce((sum, { bytes }) => sum + bytes.length, 0) / 1e6;
  process.stdout.write(
    [
      `${cores} cores of ${processor}, Node ${node}`,
      `${secrets.size} secrets planted; ${found.length} found`,
      `looked at: ${count(/^the history/)} histories, ${count(/^models|^datasets|^staging|^predictions|^probes/)} objects, ${count(/^the metadata/)} objects’ metadata, ${count(/trainer/)} trainers’ and ${count(/model process/)} models’ environments, ${count(/^command/)} answers of commands, the logs; ${megabytes.toFixed(1)} MB`,
      ...found.map((each) => `leak: ${each}`),
      `${Math.round((Date.now() - startedAt) / 1_000)} s`,
      found.length === 0 && secrets.size >= 30 ? 'PASS' : 'FAIL',
      '',
    ].join('\n'),
  );
  process.exitCode = found.length === 0 && secrets.size >= 30 ? 0 : 1;
}

await main();
process.exit();
