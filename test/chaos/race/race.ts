import { z } from 'zod';

/** One clock for all processes of a machine, in milliseconds. */
export const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

/** What a process of writers is told in its environment, as JSON. */
export const raceSchema = z.object({
  s3: z.object({
    endpoint: z.string(),
    region: z.string(),
    bucket: z.string(),
    accessKeyId: z.string(),
    secretAccessKey: z.string(),
  }),
  model: z.string(),
  /** Of the versions' digests, the same for all processes. */
  seed: z.int(),
  /** The writers of this process. */
  writers: z.array(z.object({ name: z.string(), seed: z.int() })),
  /** Conditional writes that each sends. */
  share: z.int(),
  /** A file to which every wish is added. */
  log: z.string(),
});
export type Race = z.infer<typeof raceSchema>;
