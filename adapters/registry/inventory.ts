import { z } from 'zod';
import { testReportSchema } from '../../domain/evidence.js';
import { tombstoneSchema } from '../../domain/forgetting.js';
import { digestSchema, nameSchema, runIdSchema } from '../../domain/names.js';
import type { ListedObject, ObjectStore } from '../../domain/ports/object-store.js';
import type {
  ModelInventory,
  StoredDay,
  StoredDocument,
  StoredSnapshot,
  StoredThing,
  StoredVersion,
  SweepInventory,
} from '../../domain/sweep.js';
import { inParallel } from './files.js';
import { LivePointerFile } from './live-pointer-file.js';
import { RegressionFiles } from './regression-files.js';
import { parseStored } from './stored-json.js';
import { Versions } from './versions.js';

/** What the bucket holds, without who uses it: Temporal says that of staged runs. */
export interface BucketInventory extends Omit<SweepInventory, 'staging'> {
  readonly staging: readonly (StoredThing & { readonly run: string })[];
  /** The store's clock. */
  readonly now: Date;
}

/**
 * Looks at everything that retention is about. What the registry did not write is left out, so that it is never deleted.
 * Reads each version's manifest, each report and each `live.json`.
 */
export async function takeInventory(store: ObjectStore): Promise<BucketInventory> {
  const [models, predictions, staging, datasets] = await Promise.all(
    ['models/', 'predictions/', 'staging/', 'datasets/'].map((prefix) => store.list(prefix)),
  );
  const byModel = grouped(models?.objects ?? [], /^models\/([^/]+)\//);
  const logs = grouped(predictions?.objects ?? [], /^predictions\/([^/]+)\/\d{4}-\d\d-\d\d\//);
  const names = [...new Set([...byModel.keys(), ...logs.keys()])].filter(isName).sort();
  const inventories: ModelInventory[] = [];
  for (const model of names) {
    const objects = byModel.get(model) ?? [];
    inventories.push(await modelInventory(store, model, objects, logs.get(model) ?? []));
  }
  return {
    models: inventories,
    staging: stagedRuns(staging?.objects ?? []),
    snapshots: snapshotsOf(datasets?.objects ?? []),
    replacements: await replacementsOf(store, datasets?.objects ?? []),
    now: datasets?.now ?? new Date(),
  };
}

/** What runs staged, by the first run id; what has no such name was not written by the registry. */
export function stagedRuns(
  objects: readonly ListedObject[],
): readonly (StoredThing & { readonly run: string })[] {
  return [...grouped(objects, /^staging\/([^/]+)\//)]
    .filter(([run]) => runIdSchema.safeParse(run).success)
    .map(([run, some]) => ({ run, ...thing(some) }));
}

async function modelInventory(
  store: ObjectStore,
  model: string,
  objects: readonly ListedObject[],
  predictions: readonly ListedObject[],
): Promise<ModelInventory> {
  const root = `models/${model}/`;
  const [live, versions, documents] = await Promise.all([
    new LivePointerFile(store).read(model),
    versionsOf(store, model, grouped(objects, /^models\/[^/]+\/versions\/([1-9]\d{0,6})\//)),
    documentsOf(store, objects),
  ]);
  const regressions = await new RegressionFiles(store).all(model);
  const labels = objects.filter(({ key }) => key.startsWith(`${root}labels/`));
  return {
    ...{ model, live: live?.state ?? null, versions, documents },
    regressions: regressions.map(({ snapshot }) => snapshot.digest),
    predictions: daysOf(predictions, ({ key }) => key.split('/')[2] ?? ''),
    windows: daysOf(
      objects.filter(({ key }) => /^models\/[^/]+\/windows\/\d{4}-\d\d-\d\d\//.test(key)),
      ({ key }) => key.split('/')[3] ?? '',
    ),
    labels: daysOf(labels, ({ modifiedAt }) => modifiedAt.toISOString().slice(0, 10)),
  };
}

const MANIFEST = /\/manifest\.json$/;
const CLAIM = /\/claim\.json$/;

async function versionsOf(
  store: ObjectStore,
  model: string,
  directories: ReadonlyMap<string, readonly ListedObject[]>,
): Promise<readonly StoredVersion[]> {
  const registered = new Versions(store);
  const found = await inParallel([...directories], async ([number, objects]) => {
    const version = Number(number);
    const files = objects.filter(({ key }) => !CLAIM.test(key));
    if (files.length === 0) return []; // swept before: its claim stays
    const isComplete = files.some(({ key }) => MANIFEST.test(key));
    const known = isComplete ? await registered.version(model, version) : null;
    const digest = known?.digest ?? (await registered.claimOf(model, version));
    const data = known?.manifest.lineage.data ?? [];
    return [{ version, digest, isComplete, data, ...thing(files, MANIFEST) }];
  });
  return found.flat().sort((one, other) => other.version - one.version);
}

const DOCUMENT =
  /^models\/[^/]+\/evidence\/([0-9a-f]{64})\/([0-9a-f]{64})(?:\.tombstone\.json|\.json|\.html)$/;

async function documentsOf(
  store: ObjectStore,
  objects: readonly ListedObject[],
): Promise<readonly StoredDocument[]> {
  const found = await inParallel(objects, async (object) => {
    const [, manifest, digest] = DOCUMENT.exec(object.key) ?? [];
    if (manifest === undefined || digest === undefined) return [];
    return [
      { manifest, digest, snapshot: await snapshotOf(store, object.key), ...thing([object]) },
    ];
  });
  return found.flat();
}

const heldOutSchema = testReportSchema.pick({ heldOut: true }).loose();

/** The snapshot that a test report rests on; null for any other document. */
async function snapshotOf(store: ObjectStore, key: string): Promise<string | null> {
  if (!key.endsWith('.json')) return null; // a page
  const stored = await store.get(key);
  if (stored === null) return null;
  const parsed = heldOutSchema.safeParse(jsonOf(stored.bytes));
  return parsed.success ? parsed.data.heldOut : null;
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError) return null; // not ours: it names nothing
    throw error;
  }
}

function snapshotsOf(objects: readonly ListedObject[]): readonly StoredSnapshot[] {
  const pattern = /^datasets\/([^/]+\/[0-9a-f]{64})\/(?:rows\.jsonl|snapshot\.json)$/;
  return [...grouped(objects, pattern)].flatMap(([place, files]) => {
    const [source = '', digest = ''] = place.split('/');
    if (!isName(source) || !digestSchema.safeParse(digest).success) return [];
    return [{ source, digest, ...thing(files, /\/snapshot\.json$/) }];
  });
}

const TOMBSTONE = /^datasets\/[^/]+\/([0-9a-f]{64})\/tombstone\.json$/;

async function replacementsOf(
  store: ObjectStore,
  objects: readonly ListedObject[],
): Promise<ReadonlyMap<string, string>> {
  const found = await inParallel(objects, async ({ key }) => {
    const old = TOMBSTONE.exec(key)?.[1];
    const stored = old === undefined ? null : await store.get(key);
    if (old === undefined || stored === null) return [];
    const { replacedBy } = parseStored(key, stored.bytes, tombstoneSchema);
    return replacedBy === null ? [] : [[old, replacedBy] as const];
  });
  return new Map(found.flat());
}

function daysOf(
  objects: readonly ListedObject[],
  dayOf: (object: ListedObject) => string,
): readonly StoredDay[] {
  const days = new Map<string, ListedObject[]>();
  for (const object of objects) {
    const day = dayOf(object);
    const known = days.get(day);
    if (known) known.push(object);
    else if (z.iso.date().safeParse(day).success) days.set(day, [object]);
  }
  return [...days].map(([day, some]) => ({ day, ...thing(some) }));
}

/** Objects by the first group of a pattern; those that do not fit are left out. */
export function grouped(
  objects: readonly ListedObject[],
  pattern: RegExp,
): ReadonlyMap<string, readonly ListedObject[]> {
  const groups = new Map<string, ListedObject[]>();
  for (const object of objects) {
    const name = pattern.exec(object.key)?.[1];
    if (name === undefined) continue;
    const known = groups.get(name);
    if (known) known.push(object);
    else groups.set(name, [object]);
  }
  return groups;
}

/** Objects as one thing; what fits `first` is deleted first. */
export function thing(objects: readonly ListedObject[], first?: RegExp): StoredThing {
  const keys = objects.map(({ key }) => key).sort();
  const isFirst = (key: string) => first?.test(key) ?? false;
  return {
    keys: [...keys.filter(isFirst), ...keys.filter((key) => !isFirst(key))],
    bytes: objects.reduce((sum, { bytes }) => sum + bytes, 0),
    newestAt: objects.reduce(
      (newest, { modifiedAt }) => (modifiedAt > newest ? modifiedAt : newest),
      new Date(0),
    ),
  };
}

const isName = (name: string) => nameSchema.safeParse(name).success;
