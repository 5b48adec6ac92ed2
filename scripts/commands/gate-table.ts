import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { PortError } from '../../domain/failures.js';
import {
  findingsOf,
  judge,
  overallVerdict,
  type GateResult,
  type Measurement,
} from '../../domain/gate.js';
import type { Row } from '../../domain/ports/dataset-source.js';
import type { ModelSpec } from '../../domain/spec.js';
import {
  candidateGates,
  chooseTwin,
  judgeTwin,
  twinGates,
  withOffer,
  type ConvertedTwin,
} from '../../domain/twin.js';
import type { Answer } from './terminal/answer.js';
import { renderTable } from './terminal/table.js';

/** What local tests came to. */
export interface LocalVerdict {
  readonly verdict: ReturnType<typeof overallVerdict>;
  readonly results: readonly GateResult[];
  readonly findings: ReturnType<typeof findingsOf>;
  /** Whether the twin is taken, and why; left out where there is none. */
  readonly twin?: string;
}

/** What was measured of a model, and of its twin where there is one. */
export interface LocallyMeasured {
  readonly full: readonly Measurement[];
  /** What convert says of a twin that nobody asked for. */
  readonly offered?: ConvertedTwin | undefined;
  readonly twin: {
    readonly own: readonly Measurement[];
    /** Against the full model. */
    readonly compared: readonly Measurement[];
  } | null;
}

/** Judges the gates that were measured, of the twin where that is taken; what needs held-out rows is left out where there are none. */
export function judgeLocally(spec: ModelSpec, measured: LocallyMeasured): LocalVerdict {
  const full = judgeOne(spec, measured.full, { offered: measured.offered });
  if (measured.twin === null) return full;
  const twin = judgeOne(spec, measured.twin.own);
  const compared = judgeTwin(twinGates(spec.test.gates), measured.twin.compared);
  const { chosen, reason } = chooseTwin(compared, { full, twin });
  return { ...(chosen ? twin : judgeOne(spec, measured.full, { reason })), twin: reason };
}

function judgeOne(
  spec: ModelSpec,
  measurements: readonly Measurement[],
  { offered, reason = null }: { offered?: ConvertedTwin | undefined; reason?: string | null } = {},
) {
  const measured = new Set(measurements.map(({ metric }) => metric));
  const judged = candidateGates(spec.test.gates)
    .filter(({ metric }) => measured.has(metric))
    .map((gate) =>
      judge(
        gate,
        measurements.find(({ metric }) => metric === gate.metric),
        false,
      ),
    );
  const results = withOffer(judged, offered, reason);
  return { verdict: overallVerdict(results), results, findings: findingsOf(results, measurements) };
}

/** The verdicts with their findings; exit code 0 only where all passed. */
export function verdictAnswer(local: LocalVerdict, next: readonly string[]): Answer {
  const { results, findings, verdict, twin } = local;
  return {
    lines: [
      ...renderTable(results.map((result) => [result.verdict, result.reason])),
      ...findings.flatMap(({ owner, reason, inputs }) => [
        '',
        `finding for ${owner}: ${reason}`,
        ...inputs
          .slice(0, 5)
          .flatMap(({ id, detail, excerpt }) => [`  ${id}: ${detail}`, `    ${excerpt}`]),
      ]),
      ...(twin === undefined ? [] : ['', twin]),
      '',
      verdict,
    ],
    facts: { ...local },
    webUi: null,
    next,
    exitCode: verdict === 'passed' ? 0 : 1,
  };
}

const rowSchema = z.object({
  id: z.string(),
  at: z.string(),
  label: z.string(),
  text: z.string(),
  slice: z.string().optional(),
});

/** Reads JSON lines of `{id, at, label, text}`. @throws PortError `InvalidDataset`, naming the line. */
export async function readRows(path: string): Promise<readonly Row[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line, index) => {
    const parsed = rowSchema.safeParse(parseJson(line));
    if (parsed.success) return parsed.data;
    const problems = parsed.error.issues.map(
      (issue) => `${issue.path.join('.')}: ${issue.message}`,
    );
    throw new PortError('InvalidDataset', `${path}, line ${index + 1}: ${problems.join('; ')}`);
  });
}

function parseJson(text: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed;
  } catch {
    return undefined; // the schema then says that the line is no object
  }
}
