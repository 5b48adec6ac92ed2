import { createHash } from 'node:crypto';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { liveWorkflowId } from '../../workflows/messages.js';
import { monitorWorkflowId } from '../../workflows/monitor-messages.js';
import type { World } from './world.js';

/** What a model's course left, without what may rightly differ from one time to the next. */
export interface Remains {
  /** Objects by key, each by the digest of what it says; times, nonces, measured speeds and the machine are left out. */
  readonly objects: Readonly<Record<string, string>>;
  /** How each of its workflows stands: lifecycles, `liveModel`, follow-ups. */
  readonly workflows: Readonly<Record<string, string>>;
  /** Notices by what they say, each once. */
  readonly notices: readonly string[];
}

/** What may be more than undisturbed where an attempt that had its effect was repeated. */
export interface Repeats {
  readonly trainerRuns: number;
  readonly notices: number;
}

/** Fields that hold times or chance, wherever they stand. */
const VOLATILE = [
  ...['updatedAt', 'since', 'at', 'nonce', 'machine', 'judgedAt', 'from', 'until'],
  ...['journals', 'previous', 'seal'], // digests of what holds times
  ...['latency', 'memory'], // of plots
];
/** Instants in sentences, and windows' own names. */
const TIMES = /\d{4}-\d\d-\d\dT[\d:.]+Z|(?<=\/windows\/)\d{4}-\d\d-\d\d\/\d{6}/g;
/** Metrics of speed and size: what they came to is another thing each time. */
const MEASURED = /-ms$|rows-per-second|-rss-bytes/;

/** Takes a model's remains, and how often what cannot be taken back was done. */
export async function remainsOf(
  world: Pick<World, 'store' | 'client' | 'notices' | 'trainerRuns'>,
  model: string,
): Promise<{ remains: Remains; repeats: Repeats }> {
  const { runs, workflows } = await workflowsOf(world.client, model);
  const names = new Map([[model, 'MODEL'], ...runs]);
  const prefixes = [
    `models/${model}/`,
    `datasets/rows-${model}/`,
    ...[...runs.keys()].map((run) => `staging/${run}/`),
  ];
  const listed = await Promise.all(prefixes.map((prefix) => world.store.list(prefix)));
  const keys = listed.flatMap(({ objects }) => objects.map(({ key }) => key));
  const bodies = new Map<string, Buffer>();
  // how many generations there were is another thing each time; what they hold is what live.json was
  const isTimely = (key: string) => key.includes('/replicas/') || key.includes('/audit/');
  for (const key of keys.filter((each) => !isTimely(each))) {
    const stored = await world.store.get(key);
    if (stored !== null) bodies.set(key, Buffer.from(stored.bytes));
  }
  const notices = world.notices.filter((notice) => notice.model === model);
  const said = notices.map((notice) => renamed(JSON.stringify(notice), names));
  const { objects, aliases } = settledObjects(bodies, names);
  const all = new Map([...names, ...aliases]);
  return {
    remains: {
      objects,
      workflows: Object.fromEntries(
        workflows.map(({ id, stands }) => [renamed(id, all), stands] as const),
      ),
      notices: [...new Set(said.map((each) => renamed(each, all)))].sort(),
    },
    repeats: {
      trainerRuns: (await world.trainerRuns()).filter((run) => run.model === model).length,
      notices: notices.length,
    },
  };
}

/** A monitor says of which model it is when it waits for the first time. */
const queryOf = (model: string) => `ModelName = "${model}" OR WorkflowId = "monitor/${model}"`;

/**
 * Runs of a model's workflows, the ended ones too. What can be named is asked for by its id as well: the server's list comes after
 * the facts, by more than a second on a busy machine.
 */
export async function runsOf(
  client: Client,
  model: string,
): Promise<readonly { workflowId: string; runId: string }[]> {
  const runs = new Map<string, { workflowId: string; runId: string }>();
  for await (const { workflowId, runId } of client.workflow.list({ query: queryOf(model) })) {
    runs.set(runId, { workflowId, runId });
  }
  for (const workflowId of [monitorWorkflowId(model), liveWorkflowId(model)]) {
    try {
      const { runId } = await client.workflow.getHandle(workflowId).describe();
      runs.set(runId, { workflowId, runId });
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error; // not every model has one
    }
  }
  return [...runs.values()];
}

/** Whether no workflow of a model waits for an activity. */
export async function isAtRest(client: Client, model: string): Promise<boolean> {
  for (const { workflowId, runId } of await runsOf(client, model)) {
    const { raw, status } = await client.workflow.getHandle(workflowId, runId).describe();
    if (status.name !== 'RUNNING') continue; // a terminated one keeps them for ever
    if ((raw.pendingActivities ?? []).length > 0) return false;
  }
  return true;
}

/** The model's workflows: first run ids, numbered by workflow id, and how each stands. */
async function workflowsOf(client: Client, model: string) {
  const found: { id: string; run: string; stands: string }[] = [];
  const query = queryOf(model);
  for await (const { workflowId, runId, type, status, memo } of client.workflow.list({ query })) {
    const outcome = typeof memo?.['outcome'] === 'string' ? ` ${memo['outcome']}` : '';
    found.push({ id: workflowId, run: runId, stands: `${type} ${status.name}${outcome}` });
  }
  // the newest run of an id alone: a monitor that a worker started early was replaced
  const newest = new Map(found.reverse().map((each) => [each.id, each]));
  found.splice(0, found.length, ...newest.values());
  found.sort((left, right) => (left.id < right.id ? -1 : 1));
  return {
    workflows: found,
    runs: new Map(found.map(({ run }, index) => [run, `RUN-${index + 1}`])),
  };
}

/** How often names that depend on other names are replaced: a test report, then its evidence, then what names that. */
const ROUNDS = 5;

/** Each object by the digest of what it says, with every digest in it replaced by that of what it stands for. */
function settledObjects(
  bodies: ReadonlyMap<string, Buffer>,
  names: ReadonlyMap<string, string>,
): { objects: Record<string, string>; aliases: ReadonlyMap<string, string> } {
  let aliases = new Map<string, string>();
  let objects: Record<string, string> = {};
  for (let round = 1; round <= ROUNDS; round += 1) {
    const all = new Map([...names, ...aliases]);
    const next = new Map<string, string>();
    objects = {};
    for (const [key, bytes] of bodies) {
      const says = digestOf(settled(key, bytes, all));
      objects[unusedKey(objects, renamed(key, all))] = says;
      const own = namedBy(key, bytes);
      if (own !== null) {
        next.set(own, says);
        next.set(own.slice(0, 12), says.slice(0, 12));
      }
    }
    aliases = next;
  }
  return { objects, aliases };
}

/** Two objects that say the same apart from chance are two all the same. */
function unusedKey(objects: Readonly<Record<string, string>>, key: string): string {
  return key in objects ? unusedKey(objects, `${key} again`) : key;
}

/** The digest by which others name an object: of a manifest, or of a document under its own digest. */
function namedBy(key: string, bytes: Buffer): string | null {
  if (key.endsWith('/manifest.json')) return digestOf(bytes);
  return /\/evidence\/[0-9a-f]{64}\/([0-9a-f]{64})\.(?:json|html)$/.exec(key)?.[1] ?? null;
}

/** What an object says apart from chance; a page shows what the reports say, measured speeds too. */
function settled(key: string, bytes: Buffer, names: ReadonlyMap<string, string>): string | Buffer {
  if (key.endsWith('.html')) return 'a page';
  return key.endsWith('.json') ? settledJson(bytes, names) : bytes;
}

function settledJson(bytes: Buffer, names: ReadonlyMap<string, string>): string {
  const parsed: unknown = JSON.parse(bytes.toString('utf8'));
  return renamed(JSON.stringify(withoutChance(parsed)), names);
}

function withoutChance(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    return items.map(withoutChance);
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([name]) => !VOLATILE.includes(name));
  const field = (name: string): unknown => entries.find(([key]) => key === name)?.[1];
  const metric = field('metric');
  if (typeof metric === 'string' && MEASURED.test(metric)) return { metric };
  const [step, end] = [field('step'), field('end')];
  // how much an undo found depends on what an attempt of it before had done
  if (step !== undefined && end !== undefined && end !== 'failed') return { step };
  return Object.fromEntries(entries.map(([name, each]) => [name, withoutChance(each)]));
}

function renamed(text: string, names: ReadonlyMap<string, string>): string {
  let result = text.replaceAll(TIMES, 'TIME');
  for (const [name, alias] of names) result = result.replaceAll(name, alias);
  return result;
}

const digestOf = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

/** What differs, a sentence each; empty where they are equal. */
export function differences(expected: Remains, actual: Remains): readonly string[] {
  return [
    ...entryDifferences('object', expected.objects, actual.objects),
    ...entryDifferences('workflow', expected.workflows, actual.workflows),
    ...expected.notices
      .filter((each) => !actual.notices.includes(each))
      .map((each) => `the notice ${each} is missing`),
    ...actual.notices
      .filter((each) => !expected.notices.includes(each))
      .map((each) => `there is a notice too many: ${each}`),
  ];
}

function entryDifferences(
  what: string,
  expected: Readonly<Record<string, string>>,
  actual: Readonly<Record<string, string>>,
): readonly string[] {
  const keys = [...new Set([...Object.keys(expected), ...Object.keys(actual)])].sort();
  return keys.flatMap((key) => {
    const [one, other] = [expected[key], actual[key]];
    if (one === other) return [];
    if (other === undefined) return [`the ${what} ${key} is missing`];
    if (one === undefined) return [`there is a ${what} too many: ${key} (${other.slice(0, 40)})`];
    return [`the ${what} ${key} says ${other.slice(0, 40)}, undisturbed ${one.slice(0, 40)}`];
  });
}
