import { ChildModelRuntime } from '../../adapters/model-runtime/child-model-runtime.js';
import type { ChildModel } from '../../adapters/model-runtime/child-model.js';
import type { ModelRuntime, OpenModel } from '../../domain/ports/model-runtime.js';
import { startEndpoint } from '../../serving/serve.js';
import type { RunningEndpoint, StartEndpointOptions } from '../../serving/serve.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { MemoryRegistry } from './memory-registry.js';

export const MODEL = 'tickets';

/** The real runtime, with its children at hand, so that a test can count and kill them. */
class WatchedRuntime implements ModelRuntime {
  readonly #runtime = new ChildModelRuntime();
  readonly version = this.#runtime.version;
  readonly opened: ChildModel[] = [];

  async open(request: OpenModel): Promise<ChildModel> {
    const model = await this.#runtime.open(request);
    this.opened.push(model);
    return model;
  }
}

export interface ServingRig extends AsyncDisposable {
  readonly registry: MemoryRegistry;
  readonly runtime: WatchedRuntime;
  readonly endpoint: RunningEndpoint;
  /** GET, or POST where a body is given; text is sent as it is, anything else as JSON. */
  call(path: string, body?: unknown): Promise<Answer>;
  /** Asks the live version about one text. */
  ask(text: string): Promise<Answer>;
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** Of the version that answered. */
  readonly digest: unknown;
  readonly label: unknown;
}

/** An endpoint on a free port over an in-memory registry and real inference processes. */
export async function startRig(
  prepare: (registry: MemoryRegistry) => void,
  options: Partial<StartEndpointOptions> = {},
): Promise<ServingRig> {
  const registry = new MemoryRegistry(MODEL);
  prepare(registry);
  const folder = await temporaryFolder();
  const runtime = new WatchedRuntime();
  const endpoint = await startEndpoint({
    registry,
    runtime,
    models: [MODEL],
    replica: 'replica-1',
    cacheDirectory: folder.path,
    memoryLimitBytes: 512 * 1024 * 1024,
    pollMs: 10,
    reportEveryMs: 50,
    ...options,
  });
  const call = (path: string, body?: unknown) => callEndpoint(endpoint.url + path, body);
  return {
    registry,
    runtime,
    endpoint,
    call,
    ask: (text) => call(`/v2/models/${MODEL}/infer`, aRequest(text)),
    [Symbol.asyncDispose]: async () => {
      registry.down = null;
      await endpoint.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A well-formed request about texts. */
export function aRequest(...texts: string[]): Record<string, unknown> {
  return { inputs: [{ name: 'text', datatype: 'BYTES', shape: [texts.length], data: texts }] };
}

/** Resolves once a condition holds; rejects after 20 s, so that a test that fails leaves no loop behind. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > deadlineMs) throw new Error('it did not become true within 20 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function callEndpoint(url: string, body: unknown): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(url, body === undefined ? {} : { method: 'POST', body: text });
  const answer: unknown = await response.json();
  const fields = fieldsOf(answer);
  const [label] = Array.isArray(fields['outputs']) ? fields['outputs'].map(fieldsOf) : [];
  return {
    status: response.status,
    body: fields,
    digest: fieldsOf(fields['parameters'])['digest'],
    label: Array.isArray(label?.['data']) ? label['data'][0] : undefined,
  };
}

export function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value))
    : {};
}
