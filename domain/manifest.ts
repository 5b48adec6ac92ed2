import { z } from 'zod';
import { digestSchema, filePathSchema, nameSchema } from './names.js';
import { canonicalJson, digestOfBytes } from './digest.js';
import { parameterValueSchema } from './spec.js';

/** Open Inference Protocol v2 datatypes that are carried here. */
export const datatypeSchema = z.enum(['BYTES', 'FP32', 'INT32', 'INT64']);
export type Datatype = z.infer<typeof datatypeSchema>;

/** A tensor's name, type and shape; -1 is a free dimension (the first is the batch). */
export const tensorSpecSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,62}$/),
  datatype: datatypeSchema,
  shape: z.array(z.int().min(-1)).min(1).max(8),
});
export type TensorSpec = z.infer<typeof tensorSpecSchema>;

const tensorsSchema = z.array(tensorSpecSchema).min(1).max(64);

/** What callers see: names, types, shapes, and the labels in the order of the probabilities. */
export const contractSchema = z.strictObject({
  inputs: tensorsSchema,
  outputs: tensorsSchema,
  labels: z.array(z.string().min(1).max(200)).min(2).max(10_000),
});
export type Contract = z.infer<typeof contractSchema>;

/** Terms and their counts, or the pieces of words that transformers take. */
export const frontEndKindSchema = z.enum(['bag-of-words', 'wordpiece']);
export type FrontEndKind = z.infer<typeof frontEndKindSchema>;

/** What turns a caller's text into the graph's numbers: a file of the version. */
export const frontEndRefSchema = z.strictObject({
  kind: frontEndKindSchema,
  path: filePathSchema,
});

/** The ONNX graph's own inputs and outputs, apart from the caller's contract. */
export const graphSchema = z.strictObject({
  inputs: tensorsSchema,
  outputs: tensorsSchema,
  opset: z.int().min(1),
  irVersion: z.int().min(1),
  producer: z.string().max(200),
});

export const manifestSchema = z.strictObject({
  schemaVersion: z.literal(1),
  model: nameSchema,
  files: z
    .array(z.strictObject({ path: filePathSchema, bytes: z.int().min(1), sha256: digestSchema }))
    .min(1)
    .max(1_000),
  /** The ONNX files that can be served; the evidence names one of them. */
  artifacts: z.array(filePathSchema).min(1).max(8),
  contract: contractSchema,
  frontEnd: frontEndRefSchema.nullable(),
  graph: graphSchema,
  runtime: z.strictObject({ name: z.literal('onnxruntime-node'), version: z.string() }),
  lineage: z.strictObject({
    /** Snapshot digests. */
    data: z.array(digestSchema),
    trainer: nameSchema,
    trainerLock: digestSchema,
    code: digestSchema,
    parameters: z.record(z.string(), parameterValueSchema),
    seed: z.int(),
    /** Manifest digests of the versions it was made from. */
    parents: z.array(digestSchema),
  }),
  metrics: z.record(z.string(), z.number()),
});

/**
 * A version's content. It holds no version number, clock time, run id or attempt: same inputs, same bytes.
 * Its digest, the version's identity, is the sha256 of its canonical JSON.
 */
export type Manifest = z.infer<typeof manifestSchema>;

/** The bytes that are stored and the digest of exactly these bytes. */
export function encodeManifest(manifest: Manifest): { bytes: Uint8Array; digest: string } {
  const bytes = new TextEncoder().encode(
    canonicalJson({
      ...manifest,
      files: [...manifest.files].sort((left, right) => (left.path < right.path ? -1 : 1)),
    }),
  );
  return { bytes, digest: digestOfBytes(bytes) };
}
