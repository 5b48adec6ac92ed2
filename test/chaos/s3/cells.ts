import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3ObjectStore } from '../../../adapters/object-store/s3-object-store.js';
import { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import { isPortError } from '../../../domain/failures.js';
import type { Random } from '../../../domain/random.js';
import type { TestServers } from '../../../testing/servers.js';
import { versionViolations } from '../invariants.js';
import type { Fault, TcpProxy } from '../tcp-proxy.js';
import { OPERATIONS, type Call, type Operation, type Place } from './operations.js';

/** What a network and a store do to a request, by name; `at` places vary with the seed. */
export const FAULTS: Readonly<Record<string, (random: Random) => Fault | 'refuse'>> = {
  refuse: () => 'refuse',
  blackhole: () => ({ kind: 'blackhole' }),
  delay: () => ({ kind: 'delay', ms: 60 }),
  'reset in the request': (random) => ({ kind: 'reset', side: 'request', at: within(random) }),
  'reset before the answer': () => ({ kind: 'reset', side: 'answer', at: 0 }),
  'reset in the answer': (random) => ({ kind: 'reset', side: 'answer', at: within(random) }),
  'truncated request': (random) => ({ kind: 'truncate', side: 'request', at: within(random) }),
  'truncated answer': (random) => ({ kind: 'truncate', side: 'answer', at: within(random) }),
  'turned bit in the request': (random) => ({ kind: 'flip', side: 'request', at: within(random) }),
  'turned bit in the answer': (random) => ({ kind: 'flip', side: 'answer', at: within(random) }),
  'HTTP 500': () => ({ kind: 'answer', status: 500 }),
  'HTTP 503': () => ({ kind: 'answer', status: 503 }),
  'HTTP 409': () => ({ kind: 'answer', status: 409 }),
};

const within = (random: Random) => 0.02 + 0.96 * random();

/** How long a fault lasts. */
const LASTS = ['once', 'until mended'] as const;

/** An operation under a fault. */
export interface Cell {
  readonly name: string;
  readonly operation: Operation;
  readonly fault: Fault | 'refuse';
  readonly lasts: (typeof LASTS)[number];
}

/** Every operation under every fault, once and for as long as it lasts; a refused connection is never refused only once. */
export function allCells(random: Random): readonly Cell[] {
  return OPERATIONS.flatMap((operation) =>
    Object.entries(FAULTS).flatMap(([faultName, faultOf]) =>
      LASTS.flatMap((lasts) => {
        const fault = faultOf(random);
        if (fault === 'refuse' && lasts === 'once') return [];
        return [{ name: `${operation.name} / ${faultName} / ${lasts}`, operation, fault, lasts }];
      }),
    ),
  );
}

/** What came of a cell. */
export interface CellEnd {
  /** How the call under the fault ended: a failure's type, or `succeeded`. */
  readonly first: string;
  /** Requests that were struck. */
  readonly struck: number;
  readonly violations: readonly string[];
}

/** With the fault gone, a client may need a call to notice. */
const ATTEMPTS_AFTER = 2;

/** Patience of the registry under attack: short, so that a store that swallows everything costs a second. */
const IMPATIENT = { silenceMs: 400, connectMs: 400, attempts: 2 } as const;

/** Calls an operation under its fault, looks at the bucket, mends the fault, and calls it again. */
export async function runCell(
  cell: Cell,
  { proxy, s3 }: { proxy: TcpProxy; s3: TestServers['s3'] },
): Promise<CellEnd> {
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-cell-'));
  const healthyStore = new S3ObjectStore({ ...s3, credentials: s3 });
  const store = new S3ObjectStore({ ...s3, ...IMPATIENT, credentials: s3, endpoint: proxy.url });
  try {
    const model = `cell-${randomUUID()}`;
    const healthy = new ObjectRegistry(healthyStore);
    const place = { model, run: randomUUID(), folder, healthy, store: healthyStore };
    const call = await cell.operation.prepare(place);
    const attacked = new ObjectRegistry(store);
    if (cell.fault === 'refuse') await proxy.refuse();
    else {
      const { on } = cell.operation;
      const times = cell.lasts === 'once' ? { times: 1 } : {};
      await proxy.spoil(cell.fault, { ...(on && { on }), ...times });
    }
    const first = await settled(() => call.call(attacked));
    const { struck } = proxy;
    const violations = [
      ...(struck === 0 && cell.fault !== 'refuse' ? ['the fault struck nothing'] : []),
      ...firstViolations(cell, call, first),
      ...(await halfDone(place, 'while the fault lasted')),
    ];
    await proxy.pass();
    const again = await untilItSucceeds(() => call.call(attacked));
    violations.push(...againViolations(call, again));
    violations.push(...(await halfDone(place, 'at the end')));
    if (call.isDone !== undefined && !(await call.isDone()))
      violations.push('it was not done once');
    return {
      first: first.kind === 'value' ? 'succeeded' : typeOf(first.error),
      struck,
      violations: violations.map((each) => `${cell.name}: ${each}`),
    };
  } finally {
    store.close();
    healthyStore.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

type Settled =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: unknown };

async function settled(work: () => Promise<unknown>): Promise<Settled> {
  try {
    return { kind: 'value', value: await work() };
  } catch (error) {
    return { kind: 'error', error };
  }
}

/** As an activity is tried again: a few times, unless the failure is for good. */
async function untilItSucceeds(work: () => Promise<unknown>): Promise<Settled> {
  for (let attempt = 1; ; attempt += 1) {
    const end = await settled(work);
    const isLast = attempt === ATTEMPTS_AFTER || end.kind === 'value';
    if (isLast || !isPortError(end.error) || end.error.kind === 'terminal') return end;
  }
}

function firstViolations({ operation, fault }: Cell, call: Call, first: Settled): string[] {
  if (first.kind === 'error') {
    return isPortError(first.error) ? [] : [`an error without a type: ${nameOf(first.error)}`];
  }
  const isTurnedListing =
    operation.rests === 'on a listing' &&
    fault !== 'refuse' &&
    fault.kind === 'flip' &&
    fault.side === 'answer';
  if (isTurnedListing || call.isRight(first.value)) return [];
  return [`a wrong answer under the fault: ${JSON.stringify(first.value).slice(0, 300)}`];
}

function againViolations(call: Call, again: Settled): string[] {
  if (again.kind === 'error') {
    return [`the same call again, with the fault gone, failed: ${nameOf(again.error)}`];
  }
  if (call.isRight(again.value)) return [];
  return [`a wrong answer after the fault: ${JSON.stringify(again.value).slice(0, 300)}`];
}

/** Whatever happens, what can be seen is whole: versions, their bytes, and the one that live.json names. */
async function halfDone({ store, healthy, model }: Place, when: string): Promise<string[]> {
  const versions = await versionViolations(store, healthy, model);
  const reading = await settled(async () => await healthy.liveIfChanged(model, null));
  if (reading.kind === 'error') return [`live.json ${when}: ${nameOf(reading.error)}`];
  return versions.map((each) => `${when}: ${each}`);
}

const typeOf = (error: unknown) => (isPortError(error) ? error.type : 'no type');

function nameOf(error: unknown): string {
  if (isPortError(error)) return `${error.type}: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
