import { z } from 'zod';
import {
  amount,
  definitionOf,
  gateResultSchema,
  judge,
  limitOf,
  measurementSchema,
  overallVerdict,
  verdictSchema,
  type Gate,
  type GateResult,
  type Measurement,
  type Verdict,
} from './gate.js';
import { filePathSchema } from './names.js';

/** `int8`: weights of MatMul, Gemm and Gather as 8-bit whole numbers, scales found at each call (dynamic quantization). */
export const twinKindSchema = z.enum(['int8']);
export type TwinKind = z.infer<typeof twinKindSchema>;

const LONGEST_REASON = 2_000;
/** Characters of a gate's sentence. */
const LONGEST_SENTENCE = 1_000;

/** What convert says of a smaller twin of the ONNX file. */
export const convertedTwinSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('made'), artifact: filePathSchema }),
  /** It was asked for and there is none. */
  z.strictObject({ kind: z.literal('failed'), reason: z.string().max(1_000) }),
  /** Nobody asked for it; the full model is over its limit, and a twin would have so many bytes. */
  z.strictObject({ kind: z.literal('offered'), bytes: z.int().min(1) }),
]);
export type ConvertedTwin = z.infer<typeof convertedTwinSchema>;

/** What a twin must hold to go on in the full model's place, where the specification's gates say nothing else of it. */
export const TWIN_GATES: readonly Gate[] = [
  { metric: 'twin-size', max: 0.99, minSample: 1 },
  { metric: 'twin-slowdown', max: 1.05, minSample: 5 },
  { metric: 'twin-agreement', min: 0.99, minSample: 100 },
  { metric: 'twin-accuracy-difference', min: -0.02, minSample: 100 },
];

const isOfTwin = (gate: Gate): boolean => definitionOf(gate)?.ofTwin === true;

/** The gates that a candidate must pass: all but those that choose between the full model and its twin. */
export function candidateGates(gates: readonly Gate[]): readonly Gate[] {
  return gates.filter((gate) => !isOfTwin(gate));
}

/** The gates that choose: those of the specification, and for what it does not name `TWIN_GATES`. */
export function twinGates(gates: readonly Gate[]): readonly Gate[] {
  const own = gates.filter(isOfTwin);
  const named = new Set(own.map(({ metric }) => metric));
  return [...TWIN_GATES.filter(({ metric }) => !named.has(metric)), ...own];
}

/** What is wrong with a specification's gates on a twin. */
export function twinProblems(twin: TwinKind | undefined, gates: readonly Gate[]): string[] {
  if (twin !== undefined) return [];
  return gates
    .filter(isOfTwin)
    .map(({ metric }) => `the gate on ${metric} is about a twin: set convert.twin to 'int8'`);
}

/** Judges a twin against the full model, which is what its differences are to. */
export function judgeTwin(
  gates: readonly Gate[],
  measurements: readonly Measurement[],
): readonly GateResult[] {
  return gates.map((gate) => {
    const measured = measurements.find(({ metric }) => metric === gate.metric);
    return judge(gate, measured, true);
  });
}

/** The full model or its twin, as its own gates judged it. */
export const variantSchema = z.strictObject({
  artifact: filePathSchema,
  measurements: z.array(measurementSchema),
  results: z.array(gateResultSchema),
  verdict: verdictSchema,
});
export type Variant = z.infer<typeof variantSchema>;

/** Time of a call to both, one after the other in turn: the medians over the rounds of each round's p50. */
export const callsSchema = z.strictObject({
  fullP50Ms: z.number(),
  twinP50Ms: z.number(),
  rounds: z.int().min(1),
  /** Calls to each in a round. */
  calls: z.int().min(1),
});
export type Calls = z.infer<typeof callsSchema>;

/** What a test report says of the twin: what was measured of both, which of them goes on, and why. */
export const twinReportSchema = z.strictObject({
  /** Null: there is none, and `reason` says why. */
  artifact: filePathSchema.nullable(),
  /** The twin against the full model. */
  measurements: z.array(measurementSchema),
  results: z.array(gateResultSchema),
  calls: callsSchema.nullable(),
  /** Whether the twin goes on in the full model's place: then the report is about it. */
  chosen: z.boolean(),
  reason: z.string().max(LONGEST_REASON),
  /** The one that does not go on; null where there is no twin. */
  other: variantSchema.nullable(),
});
export type TwinReport = z.infer<typeof twinReportSchema>;

/** How far a verdict lets a candidate go. */
const REACH: Readonly<Record<Verdict, number>> = {
  failed: 0,
  error: 1,
  inconclusive: 2,
  passed: 3,
};

/**
 * The twin is taken where it passes every gate that compares it with the full model, fails none of its own, and these let it go at least
 * as far as the full model: what could not be settled about it never counts for it.
 */
export function chooseTwin(
  compared: readonly GateResult[],
  { full, twin }: { readonly full: Judged; readonly twin: Judged },
): { readonly chosen: boolean; readonly reason: string } {
  const against = compared.filter(({ verdict }) => verdict !== 'passed');
  const isBehind = twin.verdict === 'failed' || REACH[twin.verdict] < REACH[full.verdict];
  if (against.length > 0 || isBehind) {
    const why = [...against, ...(isBehind ? openOf(twin) : [])];
    return { chosen: false, reason: cut(`the twin is not taken: ${sentences(why)}`) };
  }
  const reasons = compared.map(({ reason }) => reason).join('; ');
  const lost = full.verdict === 'failed' ? `; of the full model ${sentences(openOf(full))}` : '';
  return { chosen: true, reason: cut(`the twin is taken: ${reasons}${lost}`) };
}

const openOf = ({ results }: Judged) => results.filter(({ verdict }) => !LETS_GO.has(verdict));

const sentences = (results: readonly GateResult[]) =>
  results.map(({ verdict, reason }) => `${verdict}: ${reason}`).join('; ');

type Judged = Pick<Variant, 'results' | 'verdict'>;

const LETS_GO: ReadonlySet<GateResult['verdict']> = new Set(['passed', 'not applicable']);

/** What a report says of a twin where there is none. */
export function noTwin(why: string): TwinReport {
  return {
    ...{ artifact: null, measurements: [], results: [], calls: null, chosen: false, other: null },
    reason: cut(`there is no twin: ${why}`),
  };
}

/** Why what a report says of a twin does not follow from its own measurements, in sentences; none where it does. */
export function twinFaults(
  report: Variant & { readonly baseline: string | null },
  twin: TwinReport,
): readonly string[] {
  const { other, chosen, artifact } = twin;
  if (other === null || artifact === null) {
    return chosen ? ['says that a twin goes on, and has none'] : [];
  }
  const [full, own] = chosen ? [other, report] : [report, other];
  const compared = judgeTwin(
    twin.results.map(({ gate }) => gate),
    twin.measurements,
  );
  const results = other.results.map(({ gate }) => {
    const measured = other.measurements.find(({ metric }) => metric === gate.metric);
    return judge(gate, measured, report.baseline !== null);
  });
  const again = chooseTwin(compared, { full, twin: own });
  return [
    ...differences(twin.results, compared),
    ...differences(other.results, results),
    ...(overallVerdict(results) === other.verdict
      ? []
      : [`says ${other.verdict} of ${other.artifact}, its gates give ${overallVerdict(results)}`]),
    ...(again.chosen === chosen
      ? []
      : [`says that ${report.artifact} goes on, its measurements choose ${other.artifact}`]),
    ...(own.artifact === artifact && full.artifact !== artifact
      ? []
      : [`is about ${report.artifact}, and says another thing of its twin`]),
  ];
}

function differences(said: readonly GateResult[], again: readonly GateResult[]): string[] {
  return said.flatMap(({ gate, verdict }, index) => {
    const now = again[index]?.verdict ?? 'error';
    if (now === verdict) return [];
    return [`says ${verdict} of ${gate.metric}, its measurements give ${now}`];
  });
}

/**
 * A model that is too large is refused with what a twin would be, or why the one that there is does not help, so that nobody has to look
 * for it.
 * @param reason - Of the choice between the two, where there was one to make.
 */
export function withOffer(
  results: readonly GateResult[],
  twin: ConvertedTwin | undefined,
  reason: string | null,
): GateResult[] {
  return results.map((result) => {
    const { gate, verdict } = result;
    if (gate.metric !== 'artifact-bytes' || verdict !== 'failed') return result;
    const said = `${result.reason}${offerOf(twin, limitOf(gate) ?? 0, reason)}`;
    return { ...result, reason: said.slice(0, LONGEST_SENTENCE) };
  });
}

function offerOf(twin: ConvertedTwin | undefined, limit: number, reason: string | null): string {
  if (twin?.kind !== 'offered') return reason === null ? '' : `; ${reason}`;
  const { bytes } = twin;
  const size = `${amount(bytes, { unit: 'bytes' })} (${bytes} bytes)`;
  const where = bytes <= limit ? ', within the limit' : '';
  return `; an int8 twin would have ${size}${where}: ask for it with convert: { twin: 'int8' }`;
}

function cut(text: string): string {
  return text.length > LONGEST_REASON ? `${text.slice(0, LONGEST_REASON - 1)}…` : text;
}
