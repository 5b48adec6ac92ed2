import { auditBucket } from '../../adapters/registry/audit/audit-bucket.js';
import {
  auditKey,
  evidenceKey,
  journalKey,
  journalPrefix,
  liveKey,
  parseJournalKey,
} from '../../adapters/registry/keys.js';
import { encodeJson } from '../../adapters/registry/stored-json.js';
import { sealWith, type SigningKey } from '../../client/signing/signing-key.js';
import type { ChainHead } from '../../domain/audit-chain.js';
import { digestOfBytes } from '../../domain/digest.js';
import { evidenceSchema, testReportSchema } from '../../domain/evidence.js';
import type { JournalHead } from '../../domain/journal-head.js';
import { journalLineSchema } from '../../domain/journal.js';
import { liveStateSchema, type LiveState } from '../../domain/live-state.js';
import { randomInt, seededRandom } from '../../domain/random.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import type { ChaosGiven, ChaosResult } from '../chaos/chaos-run.js';
import { ownBucket } from '../support/own-bucket.js';
import { MODEL, writeHistory, type AuditWorld } from './audit-world.js';

/** Bytes of each object that are flipped, besides the first, the middle and the last one. */
const FLIPS = 4;

type Objects = ReadonlyMap<string, Uint8Array>;

/** The heads that somebody keeps elsewhere. */
interface Kept {
  readonly heads: Readonly<Record<string, readonly ChainHead[]>>;
  readonly journals: Readonly<Record<string, readonly JournalHead[]>>;
}

/** What somebody does to a bucket who may write whatever he likes there. */
interface AuditAttack {
  readonly name: string;
  /** Objects that become something else, or are gone. */
  readonly change: ReadonlyMap<string, Uint8Array | null>;
  /** One of these must be named; where left out, one of those that are changed. */
  readonly names?: readonly string[];
  /** Whether only a head that was kept elsewhere can tell. */
  readonly needsHead?: boolean;
}

/**
 * `npm run attack -- audit`: flips, drops, puts in another's place, inserts and forges objects of a bucket with a history, and looks
 * whether `audit verify` names what was changed. `--count N`: so many of them, drawn by the seed.
 */
export async function runAudit(
  { seed, count, say }: Pick<ChaosGiven, 'count' | 'say' | 'seed'>,
  given?: ObjectStore,
): Promise<ChaosResult> {
  const store = given ?? (await ownBucket()).store;
  const world = await writeHistory(store);
  const objects = await readAll(world);
  const sound = await auditBucket(store, { trust: world.trust });
  const violations = sound.problems.map(({ key, sentence }) => `untouched: ${key} ${sentence}`);
  const head = sound.heads[MODEL];
  const journals = sound.journals[MODEL] ?? [];
  if (head === undefined || journals.length === 0) throw new Error('there is no history');
  const kept = { heads: { [MODEL]: [head] }, journals: { [MODEL]: journals } };
  say(`${objects.size} objects, generation ${head.generation}, nothing wrong with them`);
  const all = [
    ...onEveryObject(objects, seed),
    ...onTheChain(objects, head),
    ...onJournals(objects),
    ...(await forged(world, objects)),
  ];
  const attacks = count === null ? all : drawn(all, count, seed);
  let told = 0;
  for (const attack of attacks) {
    violations.push(...(await violationsOf(world, { attack, objects, kept })));
    told += 1;
    if (told % 100 === 0) say(`${told} of ${attacks.length} attacks`);
  }
  const byHead = attacks.filter(({ needsHead }) => needsHead === true).length;
  return {
    figures: [
      `${attacks.length} attacks on ${objects.size} objects, ${violations.length} not found or not named`,
      `${byHead} of them are seen by a head that was kept elsewhere only, and are not said to be right without one`,
    ],
    violations,
  };
}

function drawn<Item>(items: readonly Item[], count: number, seed: number): readonly Item[] {
  const random = seededRandom(seed);
  const left = [...items];
  return Array.from({ length: Math.min(count, items.length) }, () =>
    left.splice(randomInt(random, left.length), 1),
  ).flat();
}

/** Everything that vouches for something, or is vouched for. */
async function readAll({ store }: AuditWorld): Promise<Objects> {
  const listed = await Promise.all([`models/${MODEL}/`, 'trust/'].map((each) => store.list(each)));
  const read = new Map<string, Uint8Array>();
  for (const { key } of listed.flatMap(({ objects }) => objects)) {
    const stored = await store.get(key);
    if (stored !== null) read.set(key, stored.bytes);
  }
  return read;
}

async function violationsOf(
  { store, trust }: AuditWorld,
  given: { readonly attack: AuditAttack; readonly objects: Objects; readonly kept: Kept },
): Promise<readonly string[]> {
  const { attack, objects, kept } = given;
  const write = async (key: string, bytes: Uint8Array | null | undefined) => {
    if (bytes == null) await store.delete(key);
    else await store.put(key, bytes, 'none');
  };
  for (const [key, bytes] of attack.change) await write(key, bytes);
  const withHead = await auditBucket(store, { trust, ...kept });
  const without = await auditBucket(store, { trust });
  for (const key of attack.change.keys()) await write(key, objects.get(key));
  const expected = attack.names ?? [...attack.change.keys()];
  const isNamed = ({ problems }: typeof without) =>
    problems.some(({ key, sentence }) => {
      return expected.some((each) => key === each || sentence.includes(each));
    });
  const isSeen = attack.needsHead === true || isNamed(without);
  const said = withHead.problems.map(({ key }) => key).join(', ');
  return isNamed(withHead) && isSeen ? [] : [`${attack.name}: named ${said || 'nothing'}`];
}

/** Bytes flipped, cut off and added; each object gone, and each in the place of the next of its kind. */
function onEveryObject(objects: Objects, seed: number): readonly AuditAttack[] {
  const random = seededRandom(seed);
  const keys = [...objects.keys()];
  return [...objects].flatMap(([key, bytes]): AuditAttack[] => {
    const some = Array.from({ length: FLIPS }, () => randomInt(random, bytes.length));
    const places = new Set([0, bytes.length >> 1, bytes.length - 1, ...some]);
    const edited = [...places].map((place) => {
      const changed = bytes.slice();
      changed[place] = (changed[place] ?? 0) ^ (1 << (place % 8));
      return { name: `${key}: byte ${place} flipped`, bytes: changed };
    });
    // which of the lines of its chain it was, nobody knows when it is gone
    const beside = key.startsWith('trust/') ? ['names the trust file'] : [];
    const kind = (name: string) => name.replaceAll(/[0-9a-f]{64}|\d+/g, '#');
    const twin = keys.find((other) => other > key && kind(other) === kind(key));
    const rest = [
      { name: `${key}: cut by a byte`, bytes: bytes.slice(0, -1) },
      { name: `${key}: a byte more`, bytes: new Uint8Array([...bytes, 10]) },
      { name: `${key}: dropped`, bytes: null, ...(isLoose(objects, key) && { needsHead: true }) },
      { name: `${key}: empty`, bytes: new Uint8Array() },
    ];
    // a claim and its manifest vouch for each other: which of the two was changed cannot be known
    const pairOf = (name: string) => name.replace(/claim\.json$/, 'manifest.json');
    const swapped = twin !== undefined && {
      name: `${key} and ${twin} swapped`,
      names: [key, twin, pairOf(key), pairOf(twin)],
      change: new Map([
        [key, objects.get(twin) ?? null],
        [twin, bytes],
      ]),
    };
    const changes = [...edited, ...rest].map((each) => ({
      ...{ name: each.name, change: new Map([[key, each.bytes]]) },
      ...{ names: [key, pairOf(key), ...beside], needsHead: 'needsHead' in each },
    }));
    return swapped === false ? changes : [...changes, swapped];
  });
}

/** What was put back, cut, doubled or made up. */
function onTheChain(objects: Objects, head: ChainHead): readonly AuditAttack[] {
  const line = (generation: number) => auditKey(MODEL, generation);
  const live = liveKey(MODEL);
  const last = head.generation - 1;
  const older = Array.from({ length: last }, (_, index) => index + 1);
  const bytesOf = (key: string) => objects.get(key) ?? null;
  return [
    ...older.map((generation) => ({
      name: `live.json put back to generation ${generation}`,
      change: new Map([[live, bytesOf(line(generation))]]),
      names: [line(generation + 1), line(head.generation)],
      needsHead: generation === last,
    })),
    ...older.map((generation) => ({
      name: `all after generation ${generation} cut off`,
      change: new Map([
        [live, bytesOf(line(generation))],
        ...older.filter((each) => each >= generation).map((each) => [line(each), null] as const),
      ]),
      names: [line(head.generation)],
      needsHead: true,
    })),
    ...older.map((generation) => ({
      name: `all before generation ${generation + 1} dropped`,
      change: new Map(
        older.filter((each) => each <= generation).map((each) => [line(each), null] as const),
      ),
    })),
    {
      name: 'a generation made up after the last',
      change: new Map([[line(head.generation + 1), bytesOf(live)]]),
    },
    {
      name: 'another generation in the place of what is live',
      change: new Map([[line(head.generation), bytesOf(line(last))]]),
      names: [line(head.generation), live],
    },
    ...['00.json', '0.json', '1.txt', 'x/1.json'].map((name) => ({
      name: `an object ${name} among the generations`,
      change: new Map([[`models/${MODEL}/audit/live/${name}`, bytesOf(line(1))]]),
    })),
    {
      name: 'an object beside the chain',
      change: new Map([[`models/${MODEL}/audit/other/1.json`, bytesOf(line(1))]]),
    },
    {
      name: 'everything dropped but what is live',
      change: new Map(older.map((each) => [line(each), null])),
    },
  ];
}

/** Lines cut off, moved, doubled and made up. */
function onJournals(objects: Objects): readonly AuditAttack[] {
  const lines = [...objects.keys()].flatMap((key) => {
    const place = parseJournalKey(MODEL, key);
    return key.startsWith(journalPrefix(MODEL)) && place !== null ? [{ key, ...place }] : [];
  });
  const bytesOf = (key: string) => objects.get(key) ?? null;
  return lines.flatMap(({ key, run, line }): AuditAttack[] => {
    const tail = lines.filter((each) => each.run === run && each.line >= line);
    const newest = tail.reduce((one, other) => (other.line > one.line ? other : one));
    const next = journalKey(MODEL, run, newest.line + 1);
    const stranger = journalKey(MODEL, STRANGER, line);
    return [
      {
        name: `${key}: cut off with all after it`,
        change: new Map(tail.map((each) => [each.key, null])),
        names: tail.map((each) => each.key),
        needsHead: isLoose(objects, key),
      },
      { name: `${key}: again after the last`, change: new Map([[next, bytesOf(key)]]) },
      { name: `${key}: as that of another run`, change: new Map([[stranger, bytesOf(key)]]) },
      {
        name: `${key}: as that of another run, whose it says it is`,
        change: new Map([[stranger, ofRun(bytesOf(key), STRANGER)]]),
      },
    ];
  });
}

/** Whether no state of `live.json` vouches for a line of a journal: only a head can tell that it is gone. */
function isLoose(objects: Objects, key: string): boolean {
  const place = parseJournalKey(MODEL, key);
  if (!key.startsWith(journalPrefix(MODEL)) || place === null) return false;
  const states = [...objects].flatMap(([name, bytes]) =>
    /\/live(\/\d+)?\.json$/.test(name)
      ? [liveStateSchema.parse(JSON.parse(new TextDecoder().decode(bytes)))]
      : [],
  );
  const anchors = states.flatMap(({ journals }) => journals);
  return !anchors.some(({ run, line }) => run === place.run && line >= place.line);
}

const STRANGER = '0195d1a0-0000-7000-8000-000000000400';

/** A line that says it is of another run; without a seal, which nobody but a witness can make. */
function ofRun(bytes: Uint8Array | null, run: string): Uint8Array {
  const line = journalLineSchema.parse(JSON.parse(new TextDecoder().decode(bytes ?? undefined)));
  return encodeJson({ ...line, run, seal: null });
}

/** Histories that are whole in themselves, but for what only a key can make. */
async function forged(world: AuditWorld, objects: Objects): Promise<readonly AuditAttack[]> {
  const { keys } = world;
  const bySomebody = (state: LiveState): LiveState => ({
    ...state,
    made: state.made && { ...state.made, by: state.made.by && 'somebody@example.com' },
  });
  const edits: Readonly<Record<string, (state: LiveState) => LiveState>> = {
    'who ordered a fallback': bySomebody,
    'that something was withdrawn': (state) => ({ ...state, withdrawn: [] }),
    'why it was approved': (state) => ({
      ...state,
      served: state.served.map((served) => ({
        ...served,
        decisions: served.decisions.map((each) => ({ ...each, reason: 'because' })),
      })),
    }),
    'when it was': (state) => ({ ...state, updatedAt: '2020-01-01T00:00:00.000Z' }),
  };
  const ways: Readonly<Record<string, SigningKey | 'kept' | null>> = {
    'with the old seals': 'kept',
    'without seals': null,
    'sealed by a stranger': keys.eve,
    'sealed by a person': keys.ada,
  };
  // an order that its giver signed is not even a witness's to change
  const byWitness = await rewritten(objects, bySomebody, world.witness);
  const attacks: AuditAttack[] = [
    { name: 'who ordered a fallback, sealed by a witness', change: byWitness },
  ];
  for (const [what, edit] of Object.entries(edits)) {
    for (const [way, key] of Object.entries(ways)) {
      attacks.push({ name: `${what}, ${way}`, change: await rewritten(objects, edit, key) });
    }
  }
  return [...attacks, ...failedReports(objects)];
}

/** The whole chain anew, with every state edited and holding the digest of the one before. */
async function rewritten(
  objects: Objects,
  edit: (state: LiveState) => LiveState,
  key: SigningKey | 'kept' | null,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const chain = [...objects.keys()].filter((name) => name.includes('/audit/live/'));
  const number = (name: string) => Number(/(\d+)\.json$/.exec(name)?.[1] ?? Infinity);
  const places = [...chain.sort((one, other) => number(one) - number(other)), liveKey(MODEL)];
  const change = new Map<string, Uint8Array>();
  let previous: string | null = null;
  for (const place of places) {
    const text = new TextDecoder().decode(objects.get(place));
    const state = edit(liveStateSchema.parse(JSON.parse(text)));
    const chained: LiveState = { ...state, audit: previous === null ? null : { previous } };
    const seal = key === 'kept' ? state.seal : key && (await sealWith(key, chained));
    const bytes = encodeJson({ ...chained, seal });
    previous = digestOfBytes(bytes);
    change.set(place, bytes);
  }
  return change;
}

/** Reports whose gates failed are made to say that they passed, and evidence to name them: each under its own digest. */
function failedReports(objects: Objects): readonly AuditAttack[] {
  const parse = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
  return [...objects].flatMap(([key, bytes]): AuditAttack[] => {
    if (!/\/evidence\/.*\.json$/.test(key)) return [];
    const evidence = evidenceSchema.safeParse(parse(bytes)).data;
    if (evidence === undefined) return [];
    const at = evidenceKey(MODEL, evidence.manifest, evidence.testReport);
    const report = testReportSchema.parse(parse(objects.get(at) ?? new Uint8Array()));
    const worse = report.measurements.map((each) => ({ ...each, value: 0 }));
    const made = encodeJson({ ...report, measurements: worse });
    const testReport = digestOfBytes(made);
    const other = encodeJson({ ...evidence, testReport });
    const place = evidenceKey(MODEL, evidence.manifest, testReport);
    return [
      {
        name: `${key}: a report that passes what its measurements fail`,
        change: new Map([[place, made]]),
      },
      { name: `${key}: evidence of another report in its place`, change: new Map([[key, other]]) },
    ];
  });
}
