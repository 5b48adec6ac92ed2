import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import type { LiveChange } from '../../../domain/live-state.js';
import type { ObjectStore } from '../../../domain/ports/object-store.js';
import type { RegisteredVersion } from '../../../domain/ports/registry.js';
import { aDigest, aManifest, aTestReport } from '../../adapters/registry/builders.js';
import { aLogged, logFile } from '../../support/log-files.js';
import type { Head } from '../http-heads.js';

/** Where an operation is tried: a model and a run of its own, and a registry that nothing spoils. */
export interface Place {
  readonly model: string;
  readonly run: string;
  readonly folder: string;
  readonly healthy: ObjectRegistry;
  readonly store: ObjectStore;
}

/** An operation that is ready to be called, as often as one likes. */
export interface Call {
  call(registry: ObjectRegistry): Promise<unknown>;
  /** Whether a call's answer is what it must be. */
  isRight(answer: unknown): boolean;
  /** After all calls, by a registry that nothing spoils: that what was wanted was done, and once. */
  isDone?(): Promise<boolean>;
}

/** One operation of the registry. */
export interface Operation {
  readonly name: string;
  /** The requests of it that are struck; all, where nothing is said. */
  readonly on?: (request: Head) => boolean;
  /** Its answer rests on a listing, which carries no checksum: a byte that is turned there may make it a wrong one. */
  readonly rests?: 'on a listing';
  prepare(place: Place): Promise<Call>;
}

/** Contents by path. */
type Files = Readonly<Record<string, string>>;

const filesOf = (word: string): Files => ({
  'model.onnx': `${word} `.repeat(500),
  'front-end/words.json': JSON.stringify([word]),
});

/** Writes files into a new folder of the place. */
async function folderOf({ folder }: Place, files: Files): Promise<string> {
  const directory = join(folder, randomUUID());
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
  return directory;
}

/** Publishes a version whose files are made of a word. */
export async function publishWord(
  place: Place,
  word: string,
  registry: ObjectRegistry = place.healthy,
): Promise<RegisteredVersion> {
  const files = filesOf(word);
  return registry.publish(aManifest(place.model, files), await folderOf(place, files));
}

/** The wish to promote a version over a digest. */
export function promotionOf(
  { digest, version }: RegisteredVersion,
  baseline: string | null,
): LiveChange {
  return {
    kind: 'promote',
    baseline,
    candidate: {
      ...{ digest, version, artifact: 'model.onnx' },
      ...{ evidence: aDigest(`evidence of ${digest}`), decisions: [] },
    },
  };
}

const putOf =
  (end: string) =>
  ({ first, second }: Head) =>
    first === 'PUT' && (second.split('?')[0] ?? '').endsWith(end);

function publishing(name: string, on?: (request: Head) => boolean): Operation {
  return {
    name,
    ...(on && { on }),
    prepare: async (place) => {
      const first = await publishWord(place, 'one');
      return {
        call: (registry) => publishWord(place, 'two', registry),
        isRight: (answer) =>
          typeof answer === 'object' &&
          answer !== null &&
          Reflect.get(answer, 'digest') !== first.digest,
        isDone: async () => (await place.healthy.versions(place.model)).length === 2,
      };
    },
  };
}

const reading = <Answer>(
  name: string,
  read: (registry: ObjectRegistry, model: string, version: RegisteredVersion) => Promise<Answer>,
  rests?: Operation['rests'],
): Operation => ({
  name,
  ...(rests && { rests }),
  prepare: async (place) => {
    const version = await publishWord(place, 'one');
    const right = await read(place.healthy, place.model, version);
    return {
      call: (registry) => read(registry, place.model, version),
      isRight: (answer) => isDeepStrictEqual(answer, right),
    };
  },
});

/** A fetch into a new folder each time; the answer is what lies there. */
async function fetched(
  { folder }: Place,
  files: Files,
  fetch: (directory: string) => Promise<unknown>,
): Promise<Files> {
  const directory = join(folder, randomUUID());
  await mkdir(directory);
  await fetch(directory);
  const found = Object.keys(files).map(
    async (name) => [name, await readFile(join(directory, name), 'utf8')] as const,
  );
  return Object.fromEntries(await Promise.all(found));
}

/** A change of `live.json` over `steps` that were done before it; done once means one generation more. */
function changing(
  name: string,
  given: (versions: readonly RegisteredVersion[]) => {
    before: readonly LiveChange[];
    change: LiveChange;
    kind: string;
  },
  on?: (request: Head) => boolean,
): Operation {
  return {
    name,
    ...(on && { on }),
    prepare: async (place) => {
      const { healthy, model } = place;
      const versions = [await publishWord(place, 'one'), await publishWord(place, 'two')];
      const { before, change, kind } = given(versions);
      for (const [index, each] of before.entries()) {
        await healthy.changeLive(model, each, `before-${index}`);
      }
      const generation = before.length + 1;
      return {
        call: (registry) => registry.changeLive(model, change, 'the-change'),
        isRight: (answer) =>
          typeof answer === 'object' &&
          answer !== null &&
          Reflect.get(answer, 'kind') === kind &&
          Reflect.get(answer, 'generation') === generation,
        isDone: async () => (await healthy.live(model))?.state.generation === generation,
      };
    },
  };
}

function twoPromotions(versions: readonly RegisteredVersion[]): LiveChange[] {
  const [one, two] = versions;
  if (one === undefined || two === undefined) throw new Error('two versions are needed');
  return [promotionOf(one, null), promotionOf(two, one.digest)];
}

const REPORT = { replica: 'endpoint-1', digest: null, generation: 3, problem: null } as const;

/** Every operation of the registry, publishing with a fault at each of its parts. */
export const OPERATIONS: readonly Operation[] = [
  publishing('publish: claim', putOf('/claim.json')),
  publishing('publish: file', putOf('/model.onnx')),
  publishing('publish: manifest', putOf('/manifest.json')),
  publishing('publish: everything'),
  reading('version', (registry, model) => registry.version(model, 1)),
  reading(
    'version by digest',
    (registry, model, { digest }) => registry.versionByDigest(model, digest),
    'on a listing',
  ),
  reading('versions', (registry, model) => registry.versions(model), 'on a listing'),
  {
    name: 'fetch version',
    prepare: async (place) => {
      const version = await publishWord(place, 'one');
      const files = filesOf('one');
      return {
        call: (registry) =>
          fetched(place, files, (directory) => registry.fetchVersion(version, directory)),
        isRight: (answer) => isDeepStrictEqual(answer, files),
      };
    },
  },
  {
    name: 'stage',
    prepare: async (place) => {
      const files = filesOf('staged');
      const directory = await folderOf(place, files);
      const at = { run: place.run, stage: 'retrain', attempt: 1 } as const;
      const stage = (registry: ObjectRegistry) => registry.stage(at, directory, Object.keys(files));
      return {
        call: stage,
        isRight: (answer) => typeof answer === 'object',
        isDone: async () => {
          const staged = await stage(place.healthy);
          const found = await fetched(place, files, (into) =>
            place.healthy.fetchStaged(staged, into),
          );
          return isDeepStrictEqual(found, files);
        },
      };
    },
  },
  {
    name: 'fetch staged',
    prepare: async (place) => {
      const files = filesOf('staged');
      const directory = await folderOf(place, files);
      const at = { run: place.run, stage: 'retrain', attempt: 1 } as const;
      const staged = await place.healthy.stage(at, directory, Object.keys(files));
      return {
        call: (registry) => fetched(place, files, (into) => registry.fetchStaged(staged, into)),
        isRight: (answer) => isDeepStrictEqual(answer, files),
      };
    },
  },
  {
    name: 'save checkpoint',
    prepare: async (place) => {
      const files: Files = { 'step-7.json': 'a checkpoint '.repeat(50) };
      const directory = await folderOf(place, files);
      return {
        call: (registry) =>
          registry.saveCheckpoint(place.run, 'step-7.json', join(directory, 'step-7.json')),
        isRight: (answer) => answer === undefined,
        isDone: async () => {
          const found = await fetched(place, files, (into) =>
            place.healthy.fetchCheckpoints(place.run, into),
          );
          return isDeepStrictEqual(found, files);
        },
      };
    },
  },
  {
    name: 'fetch checkpoints',
    rests: 'on a listing',
    prepare: async (place) => {
      const files: Files = { 'step-7.json': 'a checkpoint '.repeat(50) };
      const directory = await folderOf(place, files);
      const path = join(directory, 'step-7.json');
      await place.healthy.saveCheckpoint(place.run, 'step-7.json', path);
      return {
        call: (registry) =>
          fetched(place, files, (into) => registry.fetchCheckpoints(place.run, into)).catch(
            // a listing that names no checkpoint brings none: then there is nothing to read
            (error: unknown) => {
              if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
              throw error;
            },
          ),
        isRight: (answer) => isDeepStrictEqual(answer, files),
      };
    },
  },
  {
    name: 'put evidence',
    prepare: async (place) => {
      const { digest } = await publishWord(place, 'one');
      const report = aTestReport(place.model, digest);
      const stored = (answer: unknown) =>
        place.healthy.testReport(place.model, digest, String(answer));
      const right = await place.healthy.putEvidence(place.model, digest, {
        ...report,
        machine: 'another machine',
      });
      return {
        call: (registry) => registry.putEvidence(place.model, digest, report),
        isRight: (answer) => typeof answer === 'string' && answer !== right,
        isDone: async () => {
          const again = await place.healthy.putEvidence(place.model, digest, report);
          return isDeepStrictEqual(await stored(again), report);
        },
      };
    },
  },
  {
    name: 'evidence',
    prepare: async (place) => {
      const { digest } = await publishWord(place, 'one');
      const report = aTestReport(place.model, digest);
      const stored = await place.healthy.putEvidence(place.model, digest, report);
      return {
        call: (registry) => registry.testReport(place.model, digest, stored),
        isRight: (answer) => isDeepStrictEqual(answer, report),
      };
    },
  },
  changing('promote', (versions) => {
    const [first, second] = twoPromotions(versions);
    if (first === undefined || second === undefined) throw new Error('two promotions are needed');
    return { before: [first], change: second, kind: 'promoted' };
  }),
  changing(
    'promote: write',
    (versions) => {
      const [first, second] = twoPromotions(versions);
      if (first === undefined || second === undefined) throw new Error('two promotions are needed');
      return { before: [first], change: second, kind: 'promoted' };
    },
    putOf('/live.json'),
  ),
  changing('fall back', (versions) => ({
    before: twoPromotions(versions),
    change: { kind: 'fallback', leaving: versions[1]?.digest ?? '' },
    kind: 'fallen-back',
  })),
  changing('undo a promotion', (versions) => ({
    before: twoPromotions(versions),
    change: {
      kind: 'undo-promotion',
      promotion: 'before-1',
      promoted: versions[1]?.digest ?? '',
      before: versions[0]?.digest ?? null,
    },
    kind: 'restored',
  })),
  {
    name: 'live',
    prepare: async (place) => {
      const version = await publishWord(place, 'one');
      await place.healthy.changeLive(place.model, promotionOf(version, null), 'before');
      const right = await place.healthy.live(place.model);
      return {
        call: (registry) => registry.liveIfChanged(place.model, null),
        isRight: (answer) => isDeepStrictEqual(answer, right),
      };
    },
  },
  {
    name: 'report a replica',
    prepare: ({ healthy, model }) =>
      Promise.resolve({
        call: (registry) => registry.reportReplica(model, REPORT),
        isRight: (answer) => answer === undefined,
        isDone: async () => isDeepStrictEqual(await healthy.liveReplicas(model), [REPORT]),
      }),
  },
  {
    name: 'live replicas',
    rests: 'on a listing',
    prepare: async ({ healthy, model }) => {
      await healthy.reportReplica(model, REPORT);
      return {
        call: (registry) => registry.liveReplicas(model),
        isRight: (answer) => isDeepStrictEqual(answer, [REPORT]),
      };
    },
  },
  {
    name: 'sweep staging',
    rests: 'on a listing',
    prepare: async (place) => {
      const files = filesOf('staged');
      const directory = await folderOf(place, files);
      const at = { run: place.run, stage: 'retrain', attempt: 1 } as const;
      await place.healthy.stage(at, directory, Object.keys(files));
      return {
        call: (registry) => registry.sweepStaging(place.run),
        isRight: (answer) => typeof answer === 'number',
        isDone: async () => (await place.healthy.sweepStaging(place.run)) === 0,
      };
    },
  },
  {
    name: 'append predictions',
    prepare: ({ healthy, model, store }) => {
      const at = new Date('2026-01-01T10:00:00Z');
      const lines = logFile(model, [aLogged({}, 'refund '.repeat(40))]);
      const append = (registry: ObjectRegistry) =>
        registry.appendPredictions(model, at, 'one.parquet', lines);
      return Promise.resolve({
        call: append,
        isRight: (answer) => answer === undefined,
        isDone: async () => {
          await append(healthy); // refused where other bytes lie there
          return (await store.list(`predictions/${model}/`)).objects.length === 1;
        },
      });
    },
  },
];
