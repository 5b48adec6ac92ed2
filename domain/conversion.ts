import { z } from 'zod';
import { frontEndKindSchema, graphSchema, tensorSpecSchema } from './manifest.js';
import { filePathSchema } from './names.js';
import type { Contract, Manifest } from './manifest.js';
import { convertedTwinSchema, type ConvertedTwin, type TwinKind } from './twin.js';

/** `model.json`: what a trainer's convert step says of the ONNX file it wrote. */
export const conversionSchema = z.strictObject({
  schemaVersion: z.literal(1),
  labels: z.array(z.string().min(1).max(200)).min(2).max(10_000),
  /** The front end's file, null for a model that takes numbers. */
  frontEnd: filePathSchema.nullable(),
  /** A bag of words where left out. */
  frontEndKind: frontEndKindSchema.optional(),
  artifact: filePathSchema,
  opset: graphSchema.shape.opset,
  irVersion: graphSchema.shape.irVersion,
  producer: graphSchema.shape.producer,
  inputs: z.array(tensorSpecSchema).min(1),
  outputs: z.array(tensorSpecSchema).min(1),
  /** What it says of a smaller twin with the same inputs and outputs; left out where none was asked for. */
  twin: convertedTwinSchema.optional(),
});
export type Conversion = z.infer<typeof conversionSchema>;

/** One line of `parity.jsonl`: what the source framework answers to a parity row. */
export const parityLineSchema = z.object({
  id: z.string(),
  label: z.string(),
  probabilities: z.array(z.number()),
});
export type ParityLine = z.infer<typeof parityLineSchema>;

/** The caller's side of a converted model: text in for a front end, else the graph's own inputs; labels and probabilities out. */
export function contractOf(conversion: Conversion): Contract {
  const labels = conversion.labels;
  return {
    inputs:
      conversion.frontEnd === null
        ? conversion.inputs
        : [{ name: 'text', datatype: 'BYTES', shape: [-1] }],
    outputs: [
      { name: 'label', datatype: 'BYTES', shape: [-1] },
      { name: 'probabilities', datatype: 'FP32', shape: [-1, labels.length] },
    ],
    labels,
  };
}

/** The parts of a manifest that say how to run a converted model. */
export function runnableOf(
  conversion: Conversion,
): Pick<Manifest, 'contract' | 'frontEnd' | 'graph'> {
  const { frontEnd: path, frontEndKind: kind = 'bag-of-words' } = conversion;
  return {
    contract: contractOf(conversion),
    frontEnd: path === null ? null : { kind, path },
    graph: {
      inputs: conversion.inputs,
      outputs: conversion.outputs,
      opset: conversion.opset,
      irVersion: conversion.irVersion,
      producer: conversion.producer,
    },
  };
}

/**
 * What is to be known of a candidate's twin; undefined where nothing is. One that nobody asked for is no part of a version.
 * @param files - What the trainer wrote.
 */
export function twinOf(
  { twin, artifact, frontEnd }: Conversion,
  given: { readonly asked: TwinKind | undefined; readonly files: readonly string[] },
): ConvertedTwin | undefined {
  if (given.asked === undefined) return twin?.kind === 'offered' ? twin : undefined;
  if (twin === undefined) return { kind: 'failed', reason: 'the trainer made none' };
  if (twin.kind !== 'made') return twin;
  const isFile = given.files.includes(twin.artifact);
  if (isFile && twin.artifact !== artifact && twin.artifact !== frontEnd) return twin;
  return { kind: 'failed', reason: `the trainer names ${twin.artifact}, which is no file of it` };
}
