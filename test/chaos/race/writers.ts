/**
 * A process of writers on one `live.json`: `SWITCHYARD_RACE` in its environment says which, as JSON. Each writes wishes as fast as it is
 * answered until its share of conditional writes is sent, and leaves a line a wish.
 */
import { appendFileSync } from 'node:fs';
import { S3ObjectStore } from '../../../adapters/object-store/s3-object-store.js';
import { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import { digestOfJson } from '../../../domain/digest.js';
import { isPortError } from '../../../domain/failures.js';
import type { LiveChange } from '../../../domain/live-state.js';
import { randomInt, seededRandom, type Random } from '../../../domain/random.js';
import { hasWritten, type Wish } from './history.js';
import { nowMs, raceSchema, type Race } from './race.js';

/** Versions that take turns, so that one digest is live again and again. */
const SLOTS = 6;
/** Own promotions whose undo a writer still thinks of, long after others came over them. */
const REMEMBERED = 5;

/** What a writer knows of the pointer: what it was answered last, which others may have overtaken. */
interface Known {
  generation: number;
  live: string | null;
  isFrozen: boolean;
}

interface Writer {
  readonly name: string;
  readonly random: Random;
  readonly known: Known;
  readonly promotions: { writeId: string; digest: string; before: string | null }[];
  /** How often each slot's version was withdrawn, as far as this writer knows. */
  readonly withdrawn: number[];
}

const race = raceSchema.parse(JSON.parse(process.env['SWITCHYARD_RACE'] ?? ''));
await Promise.all(race.writers.map(write));
process.exit(0);

async function write({ name, seed }: Race['writers'][number]): Promise<void> {
  let sent = 0;
  const store = new S3ObjectStore({
    ...{ ...race.s3, credentials: race.s3 },
    onCall: (operation) => (sent += operation === 'PutObject' ? 1 : 0),
  });
  const registry = new ObjectRegistry(store);
  const writer: Writer = {
    ...{ name, random: seededRandom(seed), promotions: [] },
    known: { generation: 0, live: null, isFrozen: false },
    withdrawn: Array.from({ length: SLOTS }, () => 0),
  };
  for (let turn = 1; sent < race.share; turn += 1) {
    const writeId = `${name}/promote/${turn}`;
    const change = nextWish(writer);
    const before = sent;
    const startMs = nowMs();
    const answer = await registry
      .changeLive(race.model, change, writeId)
      .catch((error: unknown) => {
        if (isPortError(error) && error.type === 'LivePointerBusy') return null;
        throw error;
      });
    const wish: Wish = {
      ...{ writer: name, writeId, change, startMs, endMs: nowMs(), sent: sent - before },
      answer: answer && {
        kind: answer.kind,
        generation: answer.generation,
        live: answer.live,
      },
    };
    appendFileSync(race.log, `${JSON.stringify(wish)}\n`);
    learn(writer, wish, answer?.picture.frozen != null);
  }
}

/** Mostly promotions, many undos (also late ones), some freezes, few fallbacks: each withdraws a version for good. */
function nextWish(writer: Writer): LiveChange {
  const { name, random, known, promotions } = writer;
  const chance = random();
  if (known.isFrozen && chance < 0.5) return { kind: 'thaw', by: name, reason: 'the race goes on' };
  if (chance < 0.02) return { kind: 'freeze', by: name, reason: 'a look at it' };
  if (chance < 0.03 && known.live !== null) return { kind: 'fallback', leaving: known.live };
  const own = promotions[randomInt(random, promotions.length)];
  if (chance < 0.35 && own !== undefined) {
    const { writeId, digest, before } = own;
    return { kind: 'undo-promotion', promotion: writeId, promoted: digest, before };
  }
  const slot = randomInt(random, SLOTS);
  const digest = versionOf(slot, writer.withdrawn[slot] ?? 0);
  return {
    kind: 'promote',
    baseline: known.live,
    candidate: {
      ...{ digest, version: slot + 1, artifact: 'model.onnx', decisions: [] },
      evidence: digestOfJson({ evidence: digest }),
    },
  };
}

function versionOf(slot: number, withdrawn: number): string {
  return digestOfJson({ race: race.seed, slot, withdrawn });
}

function learn(writer: Writer, wish: Wish, isFrozen: boolean): void {
  const { change, answer, writeId } = wish;
  if (answer === null) return;
  const { known, promotions, withdrawn } = writer;
  Object.assign(known, { generation: answer.generation, live: answer.live, isFrozen });
  if (change.kind !== 'promote') return;
  if (answer.kind === 'withdrawn') {
    const slot = change.candidate.version - 1;
    withdrawn[slot] = (withdrawn[slot] ?? 0) + 1;
  }
  if (!hasWritten(wish)) return;
  promotions.push({ writeId, digest: change.candidate.digest, before: change.baseline });
  if (promotions.length > REMEMBERED) promotions.shift();
}
