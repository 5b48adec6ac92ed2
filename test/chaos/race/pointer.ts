import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { S3ObjectStore } from '../../../adapters/object-store/s3-object-store.js';
import { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import { startServerProcess } from '../../../scripts/servers/child-process.js';
import { testServers } from '../../../testing/servers.js';
import type { ChaosGiven, ChaosResult } from '../chaos-run.js';
import { saying } from '../saying.js';
import { hasWritten, historyViolations, wishSchema, type Look, type Wish } from './history.js';
import { nowMs, type Race } from './race.js';

const WRITERS = 20;
const PROCESSES = 4;
const READERS = 2;
const READ_EVERY_MS = 5;
const PROGRAM = fileURLToPath(new URL('writers.ts', import.meta.url));

/** Twenty writers in several processes on one `live.json`, and readers beside them; then the history is checked. */
export async function racePointer(
  given: Pick<ChaosGiven, 'seed' | 'say'> & { readonly writes: number },
): Promise<ChaosResult> {
  const { seed, say, writes } = given;
  const { s3 } = await testServers();
  const model = `raced-${randomUUID()}`;
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-race-'));
  const store = new S3ObjectStore({ ...s3, credentials: s3 });
  const stopped = new AbortController();
  const startedMs = nowMs();
  try {
    const readers = Array.from({ length: READERS }, (_, index) =>
      look(new ObjectRegistry(store), model, `reader-${index + 1}`, stopped.signal),
    );
    const logs = Array.from({ length: PROCESSES }, (_, index) => join(folder, `${index}.jsonl`));
    const processes = await Promise.all(
      logs.map((log, index) => {
        const writers = Array.from({ length: WRITERS / PROCESSES }, (__, each) => {
          const number = index * (WRITERS / PROCESSES) + each + 1;
          return { name: `writer-${number}`, seed: seed + number };
        });
        return startWriters({ s3, model, seed, writers, share: Math.ceil(writes / WRITERS), log });
      }),
    );
    const ended = Promise.all(processes.map((each) => each.ended));
    await saying(ended, async () => {
      const reading = await new ObjectRegistry(store).live(model);
      say(`the pointer is at generation ${reading?.state.generation ?? 0}`);
    });
    stopped.abort();
    const looks = (await Promise.all(readers)).flat();
    const wishes = (await Promise.all(logs.map(readWishes))).flat();
    const last = (await new ObjectRegistry(store).live(model))?.state ?? null;
    const broken = processes.filter((each) => !each.ending().includes('exit code 0'));
    return {
      figures: [figureOf(wishes, looks, nowMs() - startedMs)],
      violations: [
        ...broken.map((each) => `a process of writers ${each.ending()}`),
        ...historyViolations({ model, wishes, looks, last }),
      ],
    };
  } finally {
    stopped.abort();
    store.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function figureOf(wishes: readonly Wish[], looks: readonly Look[], spanMs: number): string {
  const sent = wishes.reduce((sum, wish) => sum + wish.sent, 0);
  const written = wishes.filter(hasWritten);
  const count = (kind: string) => written.filter(({ answer }) => answer?.kind === kind).length;
  const kinds = ['promoted', 'restored', 'forgotten', 'fallen-back', 'frozen', 'thawed'];
  const again = written.filter(
    ({ answer, writeId }) =>
      answer?.kind === 'promoted' &&
      written.some(
        (other) =>
          other.writeId !== writeId &&
          other.answer?.kind === 'promoted' &&
          other.answer.live === answer.live,
      ),
  ).length;
  const busy = wishes.filter(({ answer }) => answer === null).length;
  return `pointer: ${WRITERS} writers in ${PROCESSES} processes, ${wishes.length} wishes, ${sent} compare-and-sets of which ${written.length} won (${kinds.map((kind) => `${kind} ${count(kind)}`).join(', ')}); ${again} promotions of a digest that was promoted more than once; ${busy} wishes given up as busy; ${looks.length} looks; ${(spanMs / 1_000).toFixed(0)} s, ${(sent / (spanMs / 1_000)).toFixed(0)}/s`;
}

async function startWriters(race: Race) {
  return startServerProcess({
    name: 'the writers',
    binary: process.execPath,
    args: ['--import', 'tsx', PROGRAM],
    env: { SWITCHYARD_RACE: JSON.stringify(race) },
  });
}

async function readWishes(log: string): Promise<readonly Wish[]> {
  const lines = (await readFile(log, 'utf8').catch(() => '')).split('\n');
  return lines.filter((line) => line !== '').map((line) => wishSchema.parse(JSON.parse(line)));
}

/** Looks all the time, and notes what changed. */
async function look(
  registry: ObjectRegistry,
  model: string,
  reader: string,
  signal: AbortSignal,
): Promise<readonly Look[]> {
  const looks: Look[] = [];
  let etag: string | null = null;
  while (!signal.aborted) {
    const startMs = nowMs();
    const reading = await registry.liveIfChanged(model, etag);
    if (reading !== null && reading !== 'unchanged') {
      etag = reading.etag;
      const { generation, writeId, live } = reading.state;
      looks.push({ reader, startMs, endMs: nowMs(), generation, writeId, live });
    }
    await pause(READ_EVERY_MS);
  }
  return looks;
}
