import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { converse } from './comparators.js';

const PROGRAM = fileURLToPath(new URL('raw-session.ts', import.meta.url));
const saidSchema = z.object({ p50Us: z.number(), rowsPerSecond: z.number() });
type Said = z.infer<typeof saidSchema>;

/** A bare session of onnxruntime-node in a process. */
export interface RawSession extends AsyncDisposable {
  /** Runs batches of so many rows for so long: how long a call takes, and how many rows it makes a second. */
  run(rows: number, forMs: number): Promise<Said>;
}

/** Opens a model of one tensor of numbers. */
export async function openRawSession(file: string, features: number): Promise<RawSession> {
  const session = await converse(process.execPath, [
    ...['--import', 'tsx', PROGRAM],
    ...[file, String(features)],
  ]);
  return {
    run: async (rows, forMs) => saidSchema.parse(await session.ask({ rows, forMs })),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}
