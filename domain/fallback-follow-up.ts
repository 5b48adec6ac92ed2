import { z } from 'zod';
import type { ShownDirect } from './direct-order.js';
import { followUpKey, followUpSchema, type FollowUp } from './follow-up.js';
import { digestSchema, instantSchema, nameSchema, shortDigest } from './names.js';

/** Who mends what a person fell back from, where the order names nobody. */
export const FALLBACK_OWNER = 'engineering';

const LONGEST_TITLE = 300;
const LONGEST_TEXT = 4_000;

/** A fallback that happened, as far as its follow-up needs it. */
export const fallenBackSchema = z.strictObject({
  /** The generation that it wrote. */
  generation: z.int().min(1),
  leaving: digestSchema,
  /** The version that it left; null where that is not known any more. */
  version: followUpSchema.shape.subject.shape.version,
  by: z.string().max(300),
  reason: z.string().max(2_000),
  owner: nameSchema,
  at: instantSchema,
  /** Ordered past `liveModel`. */
  isDirect: z.boolean(),
  /** The inputs that show why. */
  inputs: followUpSchema.shape.inputs.default([]),
});
export type FallenBack = z.infer<typeof fallenBackSchema>;

/** A fallback that was ordered past `liveModel`. */
export function fallenBackDirectly({ by, reason, at, ...order }: ShownDirect): FallenBack {
  const { leaving, generation, version } = order;
  return {
    ...{ leaving, generation, version, by, reason, at },
    ...{ owner: FALLBACK_OWNER, isDirect: true, inputs: [] },
  };
}

/** What a fallback leaves to the team that owns the failure: one a generation, however often it is opened. */
export function followUpOfFallback(model: string, fallen: FallenBack): FollowUp {
  const { generation, leaving, version, by, reason, owner, at, isDirect, inputs } = fallen;
  const name = version === null ? `the version ${shortDigest(leaving)}` : `version ${version}`;
  const lines = [
    `${by === '' ? 'Somebody' : by} fell back from ${name} at ${at}${reason === '' ? '' : `: ${reason}`}`,
    ...(isDirect ? ['It was written to live.json directly, past the workflow of the model.'] : []),
    `${name.charAt(0).toUpperCase()}${name.slice(1)} never serves again; find out why, and train a version that does better.`,
    version === null ? '' : `Look: npx switchyard show ${model} ${version}`,
  ];
  return {
    ...{ model, owner, cause: 'fallback', key: followUpKey.fallback(generation) },
    title: `${model} fell back from ${name}${reason === '' ? '' : `: ${reason}`}`
      .slice(0, LONGEST_TITLE)
      .toWellFormed(),
    text: lines
      .filter((line) => line !== '')
      .join('\n')
      .slice(0, LONGEST_TEXT)
      .toWellFormed(),
    subject: { workflowId: `live/${model}`, version, digest: leaving, generation },
    inputs,
  };
}
