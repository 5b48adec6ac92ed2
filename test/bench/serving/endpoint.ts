import { readFile } from 'node:fs/promises';
import { residentMemory } from '../../../adapters/model-runtime/resident-memory.js';
import { startServerProcess, untilReady } from '../../../scripts/servers/child-process.js';
import { freePort } from '../../../scripts/servers/free-ports.js';
import type { Server } from './comparators.js';
import { buildEndpoint } from './endpoint-program.js';
import type { Bucket } from './published.js';

/** For whoever looks for where time goes: `BENCH_ENDPOINT_OPTIONS='--cpu-prof --cpu-prof-dir=/tmp/prof'`. */
const OPTIONS = 'BENCH_ENDPOINT_OPTIONS';

/** How to start an endpoint. */
export interface StartEndpoint {
  readonly bucket: Bucket;
  readonly models: readonly string[];
  /** Added to its environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Node's own, such as `--import FILE`. */
  readonly options?: readonly string[];
  /** Its prediction log is told nothing; default false. */
  readonly logsNothing?: boolean;
}

/** A running endpoint. */
export interface Endpoint extends Server {
  readonly url: string;
  /** Of its process and those of its models, in MB. */
  memoryMB(): Promise<number>;
  /** A number of /metrics by its name and labels as they stand there; 0 where it is not there yet. */
  metric(name: string): Promise<number>;
}

/** Starts the endpoint's own program in a process; resolves when every model is ready. */
export async function startEndpoint(given: StartEndpoint): Promise<Endpoint> {
  const { bucket, models, environment = {}, options = [], logsNothing = false } = given;
  const program = await buildEndpoint({ logsNothing });
  const port = await freePort();
  const asked = (process.env[OPTIONS] ?? '').split(' ').filter((option) => option !== '');
  const server = await startServerProcess({
    name: 'the endpoint',
    binary: process.execPath,
    args: [...asked, ...options, program.file],
    env: {
      ...bucket.environment,
      SWITCHYARD_MODELS: models.join(','),
      SWITCHYARD_ENDPOINT_PORT: String(port),
      SWITCHYARD_REPLICA: `bench-${port}`,
      ...environment,
    },
  });
  const url = `http://127.0.0.1:${port}`;
  await untilReady('the endpoint', server, async () => {
    const answer = await fetch(`${url}/v2/health/ready`);
    return answer.ok ? 'ready' : 'not-yet';
  });
  return {
    ...{ url, pid: server.pid },
    inferUrl: (model) => `${url}/v2/models/${model}/infer`,
    memoryMB: async () => (await memoryOfTree(server.pid)) / 1e6,
    metric: async (name) => metricOf(await (await fetch(`${url}/metrics`)).text(), name),
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await program[Symbol.asyncDispose]();
    },
  };
}

function metricOf(page: string, name: string): number {
  const line = page.split('\n').find((each) => each.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.slice(name.length + 1));
}

async function memoryOfTree(pid: number): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  const pids = [pid, ...children.split(' ').filter(Boolean).map(Number)];
  // one that ends meanwhile has none
  const each = await Promise.all(pids.map((one) => residentMemory(one).catch(() => null)));
  return each.reduce((sum, memory) => sum + (memory?.rssBytes ?? 0), 0);
}
