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

/** What local tests came to. */
export interface LocalVerdict {
  readonly verdict: ReturnType<typeof overallVerdict>;
  readonly results: readonly GateResult[];
  readonly findings: ReturnType<typeof findingsOf>;
}

/** Judges the gates that were measured; what needs held-out rows is left out where there are none. */
export function judgeLocally(spec: ModelSpec, measurements: readonly Measurement[]): LocalVerdict {
  const measured = new Set(measurements.map(({ metric }) => metric));
  const results = spec.test.gates
    .filter(({ metric }) => measured.has(metric))
    .map((gate) =>
      judge(
        gate,
        measurements.find(({ metric }) => metric === gate.metric),
        false,
      ),
    );
  return { verdict: overallVerdict(results), results, findings: findingsOf(results, measurements) };
}

/** Prints the verdicts for people, or as JSON; resolves to the exit code: 0 only where all passed. */
export function report(local: LocalVerdict, json: boolean): number {
  if (json) {
    process.stdout.write(`${JSON.stringify(local)}\n`);
  } else {
    for (const { verdict, reason } of local.results) {
      process.stdout.write(`${verdict.padEnd(14)} ${reason}\n`);
    }
    for (const { owner, reason, inputs } of local.findings) {
      process.stdout.write(`\nfinding for ${owner}: ${reason}\n`);
      for (const { id, detail, excerpt } of inputs.slice(0, 5)) {
        process.stdout.write(`  ${id}: ${detail}\n    ${excerpt}\n`);
      }
    }
    process.stdout.write(`\n${local.verdict}\n`);
  }
  return local.verdict === 'passed' ? 0 : 1;
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
