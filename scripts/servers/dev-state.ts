import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { isAlive } from './is-alive.js';

const pidSchema = z.int().min(1);

/** How a second terminal finds what the first one started. */
const devStateSchema = z.object({
  schemaVersion: z.literal(1),
  /** The process that started everything, and that everything ends with. */
  pid: pidSchema,
  temporal: z.object({
    address: z.string(),
    namespace: z.string(),
    uiUrl: z.url(),
    pid: pidSchema,
  }),
  s3: z.object({
    endpoint: z.url(),
    region: z.string(),
    bucket: z.string(),
    accessKeyId: z.string(),
    secretAccessKey: z.string(),
    pid: pidSchema,
  }),
  /** Whatever else has an address, by name, such as `endpoint`. */
  urls: z.record(z.string(), z.url()),
  /** What the workers' configuration names, where it is known. */
  models: z.array(z.string()).optional(),
  /** A private key that is trusted there, where decisions are signed. */
  key: z.string().optional(),
  /** Whatever else runs, by name, such as `worker-1`. */
  pids: z.record(z.string(), pidSchema),
});

/** What `.switchyard/dev.json` holds. */
export type DevState = z.infer<typeof devStateSchema>;

const fileIn = (checkout: string) => path.join(checkout, '.switchyard', 'dev.json');

/** Replaces the file as a whole, so a reader never sees half; readable by its owner only, for it holds keys. */
export async function writeDevState(checkout: string, state: DevState): Promise<void> {
  const file = fileIn(checkout);
  const whole = `${file}.${randomUUID()}`;
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(whole, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  await rename(whole, file);
}

/**
 * What runs in this checkout; null where nothing does: no file, or its process is gone.
 *
 * @throws Error naming the file where it is of another make
 */
export async function readDevState(checkout: string): Promise<DevState | null> {
  const file = fileIn(checkout);
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return null;
  const state = devStateSchema.safeParse(parseJson(text));
  if (!state.success) {
    throw new Error(
      `${file} is not a development state (${z.prettifyError(state.error)}): delete it`,
    );
  }
  return isAlive(state.data.pid) ? state.data : null;
}

/** The processes of a start whose own process is gone, and which are still ending; none where nothing is left. */
export async function leftBehind(checkout: string): Promise<readonly number[]> {
  const text = await readFile(fileIn(checkout), 'utf8').catch(() => '');
  const { data } = devStateSchema.safeParse(parseJson(text));
  if (data === undefined || isAlive(data.pid)) return [];
  return [data.temporal.pid, data.s3.pid, ...Object.values(data.pids)].filter(isAlive);
}

/** Removes the file, unless another process has written its own since. */
export async function removeDevState(checkout: string, pid: number): Promise<void> {
  const state = await readDevState(checkout).catch(() => null);
  if (state === null || state.pid === pid) await rm(fileIn(checkout), { force: true });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
