import { z } from 'zod';
import { FAILURES } from '../../domain/failures.js';
import type { FailureType } from '../../domain/failures.js';
import { contractSchema, frontEndRefSchema, graphSchema } from '../../domain/manifest.js';
import { packedTensorSchema } from './tensors.js';

/** What the child is asked: first to open a model, then to answer batches, one after the other. */
export const requestSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('open'),
    directory: z.string(),
    artifact: z.string(),
    manifest: z.object({
      contract: contractSchema,
      frontEnd: frontEndRefSchema.nullable(),
      graph: graphSchema,
    }),
    maxModelBytes: z.int().min(1),
    threads: z.int().min(1),
    busyPollMs: z.number().min(0),
  }),
  z.object({ kind: z.literal('infer'), id: z.int(), tensors: z.array(packedTensorSchema) }),
]);
export type ChildRequest = z.infer<typeof requestSchema>;
export type OpenRequest = Extract<ChildRequest, { kind: 'open' }>;
/** What of it a model is opened by, in whatever process. */
export type SessionRequest = Omit<OpenRequest, 'busyPollMs'>;

const failureTypeSchema = z.custom<FailureType>(
  (value) => typeof value === 'string' && Object.hasOwn(FAILURES, value),
);

/** What the child says; `id` null: of opening. */
export const replySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('opened') }),
  z.object({
    kind: z.literal('failed'),
    id: z.int().nullable(),
    type: failureTypeSchema,
    message: z.string().max(4_000),
    details: z.record(z.string(), z.unknown()),
  }),
  z.object({
    kind: z.literal('answer'),
    id: z.int(),
    tensors: z.array(packedTensorSchema),
    computeMs: z.number(),
  }),
]);
export type ChildReply = z.infer<typeof replySchema>;
