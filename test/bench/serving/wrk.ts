import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { temporaryFolder } from '../../adapters/model-runtime/temporary-folder.js';
import type { InferBody } from './infer-body.js';

const SCRIPT = fileURLToPath(new URL('wrk.lua', import.meta.url));

const saidSchema = z.object({
  requests: z.number(),
  durationUs: z.number(),
  p50Us: z.number(),
  p99Us: z.number(),
  broken: z.number(),
  refused: z.number(),
});

/** What came of a load. */
export interface Load {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly requests: number;
}

/** How to load: clients at once, each asking again as soon as it is answered. */
export interface LoadGiven {
  readonly url: string;
  readonly body: InferBody;
  readonly clients: number;
  readonly seconds: number;
}

/** Loads a server by wrk, one thread. @throws Error where an answer was no 2xx, or a connection broke. */
export async function load({ url, body, clients, seconds }: LoadGiven): Promise<Load> {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'body');
  await writeFile(file, body.bytes);
  const headers = Object.entries(body.headers).map(([name, value]) => `${name}: ${value}`);
  const { stdout } = await promisify(execFile)(
    'wrk',
    ['-t1', `-c${clients}`, `-d${seconds}s`, '--timeout', '10s', '-s', SCRIPT, url],
    { env: { ...process.env, BENCH_BODY: file, BENCH_HEADERS: headers.join('\n') } },
  );
  const said = saidSchema.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
  const { requests, durationUs, p50Us, broken, refused } = said;
  if (broken + refused > 0 || requests === 0) {
    throw new Error(
      `of ${requests} requests to ${url} ${refused} were refused and ${broken} had no answer`,
    );
  }
  return { perSecond: requests / (durationUs / 1e6), p50Us, requests };
}
