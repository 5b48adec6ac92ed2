import { z } from 'zod';
import { describeIssues } from './describe-issues.js';
import { durationMs } from './duration.js';
import { PortError } from './failures.js';
import { gateSchema, gateProblems } from './gate.js';
import { OWNERS } from './metrics.js';
import { monitorProblems, monitorSpecSchema } from './monitor/spec.js';
import { durationSchema, instantSchema, nameSchema } from './names.js';
import { STARTER } from './signing/policy.js';
import { retentionSpecSchema } from './retention.js';
import { retrainProblems, retrainSpecSchema } from './retraining.js';
import { twinKindSchema, twinProblems } from './twin.js';

/** A trainer's parameter. */
export const parameterValueSchema = z.union([z.string().max(1_000), z.number(), z.boolean()]);
export type ParameterValue = z.infer<typeof parameterValueSchema>;

export const parametersSchema = z.record(z.string().max(63), parameterValueSchema);

/** Rows by time: from (included) until (left out); a missing bound is open. */
export const timeCutSchema = z.strictObject({
  from: instantSchema.optional(),
  until: instantSchema.optional(),
});
export type TimeCut = z.infer<typeof timeCutSchema>;

const handOffSchema = z.strictObject({
  /** The role that decides; it also names the hand-off. */
  role: nameSchema,
  deadline: durationSchema.default('7 days'),
  /** How often the role is told again while it has not answered; never, where left out. */
  reminder: durationSchema.optional(),
  /** How many people of the role must approve. */
  quorum: z.int().min(1).max(20).default(1),
  /** Nobody decides who decided for one of these roles, or, with `starter`, who started the lifecycle by a signed start. */
  distinctFrom: z.array(nameSchema).max(8).default([]),
  /** Another role, which may decide in its place too once it has not answered for so long. */
  escalation: z.strictObject({ after: durationSchema, to: nameSchema }).optional(),
});

export const modelSpecSchema = z.strictObject({
  schemaVersion: z.literal(1).default(1),
  model: nameSchema,
  description: z.string().max(200).default(''),
  train: z.strictObject({
    /** A trainer and a data source of the worker's configuration, by name. */
    trainer: nameSchema,
    source: nameSchema,
    parameters: parametersSchema.default({}),
    seed: z
      .int()
      .min(0)
      .max(2 ** 31 - 1)
      .default(1),
    deadline: durationSchema.default('2 hours'),
    /** The longest silence of a trainer that still counts as work. */
    noProgress: durationSchema.default('10 minutes'),
    trainRows: timeCutSchema.default({}),
    heldOutRows: timeCutSchema.default({}),
  }),
  convert: z
    .strictObject({
      /** Largest difference of any probability between source framework and ONNX, 0 to 1. */
      maxProbabilityDifference: z.number().min(0).max(1).default(1e-5),
      /** Held-out rows that are compared, besides the odd rows that are always compared. */
      parityRows: z.int().min(1).max(10_000).default(200),
      /** A smaller copy of the ONNX file, which serves in its place where the test stage finds it no worse; none, where left out. */
      twin: twinKindSchema.optional(),
    })
    .prefault({}),
  test: z.strictObject({
    gates: z.array(gateSchema).min(1).max(100),
    /** Resamples and confidence of every bootstrap interval. */
    resamples: z.int().min(100).max(100_000).default(2_000),
    confidence: z.number().min(0.5).max(0.999).default(0.95),
    /** Cap of the throw-away process that loads a candidate, in bytes. */
    memoryLimitBytes: z
      .int()
      .min(64 * 2 ** 20)
      .default(2 ** 30),
  }),
  gather: z
    .strictObject({
      every: durationSchema.default('1 hour'),
      deadline: durationSchema.default('2 days'),
    })
    .prefault({}),
  approve: z
    .strictObject({
      /** In order: a role is asked when the one before it has approved. In parallel: all at once. */
      order: z.enum(['in-order', 'in-parallel']).default('in-order'),
      handOffs: z.array(handOffSchema).max(8).default([]),
      /** So many people of a role that is not asked may approve in the place of all, in an emergency; nobody, where left out. */
      breakGlass: z
        .strictObject({ role: nameSchema, quorum: z.int().min(2).max(20).default(2) })
        .optional(),
    })
    .prefault({}),
  deploy: z
    .strictObject({
      /** Where it serves: `endpoint`, or a target of the worker's configuration, by name. */
      target: nameSchema.default('endpoint'),
      minReplicas: z.int().min(1).max(1_000).default(1),
      deadline: durationSchema.default('2 minutes'),
    })
    .prefault({}),
  retrain: retrainSpecSchema.prefault({}),
  /** Left out: not watched. */
  monitor: monitorSpecSchema.optional(),
  retention: retentionSpecSchema.prefault({}),
});

/** A model's complete specification: plain JSON, every default filled in. */
export type ModelSpec = z.infer<typeof modelSpecSchema>;
/** What a user writes: defaults may be left out. */
export type ModelSpecInput = z.input<typeof modelSpecSchema>;

/**
 * Checks a user's specification and fills in the defaults.
 * @throws PortError `InvalidSpec`, whose sentence names every problem, and for a wrong key the nearest right one.
 */
export function parseModelSpec(input: unknown): ModelSpec {
  const parsed = modelSpecSchema.safeParse(input);
  const named = z.object({ model: z.string() }).safeParse(input);
  const model = named.success ? named.data.model : 'without a name';
  if (!parsed.success) throw invalidSpec(model, describeIssues(modelSpecSchema, parsed.error));
  const problems = specProblems(parsed.data);
  if (problems.length > 0) throw invalidSpec(model, problems);
  return parsed.data;
}

function specProblems(spec: ModelSpec): readonly string[] {
  const problems = [
    ...gateProblems(spec.test.gates),
    ...twinProblems(spec.convert.twin, spec.test.gates),
    ...retrainProblems(spec.retrain, spec.monitor),
    ...monitorProblems(spec.monitor),
  ];
  const roles = spec.approve.handOffs.map((handOff) => handOff.role);
  for (const role of new Set(roles.filter((each, index) => roles.indexOf(each) !== index))) {
    problems.push(`approve.handOffs asks the role "${role}" twice`);
  }
  for (const { role, distinctFrom } of spec.approve.handOffs) {
    if (role === STARTER) problems.push(`"${STARTER}" is who starts a lifecycle, and no role`);
    for (const other of distinctFrom.filter((each) => each !== STARTER && !roles.includes(each))) {
      problems.push(`"${role}" is to be distinct from "${other}", which is not asked`);
    }
  }
  problems.push(...spareProblems(spec));
  for (const { role, deadline, reminder } of spec.approve.handOffs) {
    if (reminder !== undefined && durationMs(reminder) >= durationMs(deadline)) {
      problems.push(
        `the reminder of "${role}" (${reminder}) comes after its deadline (${deadline})`,
      );
    }
  }
  return problems;
}

/** Whoever decides in another's place has a role of its own for it, so that each decision says which it is. */
function spareProblems({ approve: { handOffs, breakGlass } }: ModelSpec): readonly string[] {
  const problems: string[] = [];
  const roles = new Set([...handOffs.map(({ role }) => role), ...OWNERS]);
  const takeRole = (role: string, whose: string) => {
    if (roles.has(role)) problems.push(`${whose} "${role}", which has a say already`);
    roles.add(role);
  };
  for (const { role, deadline, escalation } of handOffs) {
    if (escalation === undefined) continue;
    takeRole(escalation.to, `"${role}" is escalated to`);
    if (durationMs(escalation.after) >= durationMs(deadline)) {
      problems.push(
        `the escalation of "${role}" (${escalation.after}) comes after its deadline (${deadline})`,
      );
    }
  }
  if (breakGlass !== undefined) takeRole(breakGlass.role, 'the glass is broken by');
  return problems;
}

function invalidSpec(model: string, problems: readonly string[]): PortError {
  return new PortError(
    'InvalidSpec',
    `the specification of model "${model}" is wrong: ${problems.join('; ')}`,
    {
      details: { model, problems },
    },
  );
}
