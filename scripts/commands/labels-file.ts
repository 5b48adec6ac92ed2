import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { PortError } from '../../domain/failures.js';
import { labelSchema, type Label } from '../../domain/monitor/labels.js';

/** Column names of a CSV that are taken for one of a label's fields. */
const COLUMNS: Readonly<Record<string, string>> = {
  requestid: 'requestId',
  request: 'requestId',
  id: 'requestId',
  row: 'row',
  label: 'label',
  at: 'at',
};

interface Line {
  readonly number: number;
  readonly fields: unknown;
}

/**
 * Reads labels from a CSV with a head (`requestId,row,label`; `row` and `at` may be left out) or from JSON lines.
 * @throws PortError `InvalidDataset` in one sentence that names the file and the line.
 */
export async function readLabels(path: string): Promise<readonly Label[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new PortError('InvalidDataset', `${path} cannot be read: ${messageOf(cause)}`, { cause });
  });
  const lines = /\.jsonl?$|\.ndjson$/i.test(path) ? jsonLines(path, text) : csvLines(path, text);
  const labels = lines.map(({ number, fields }) => {
    const parsed = labelSchema.safeParse(fields);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const place = issue?.path.join('.') ?? '';
    throw wrong(path, number, `${place === '' ? 'it' : place}: ${issue?.message ?? 'is wrong'}`);
  });
  if (labels.length > 0) return labels;
  throw new PortError(
    'InvalidDataset',
    `${path} has no labels: give it lines of requestId, row, label`,
  );
}

function jsonLines(path: string, text: string): readonly Line[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      const fields: unknown = JSON.parse(line);
      return [{ number: index + 1, fields }];
    } catch (cause) {
      throw wrong(path, index + 1, `it is no JSON (${messageOf(cause)})`);
    }
  });
}

const recordsSchema = z.array(
  z.object({ info: z.object({ lines: z.number() }), record: z.record(z.string(), z.string()) }),
);

function csvLines(path: string, text: string): readonly Line[] {
  let records: unknown;
  try {
    records = parse(text, {
      ...{ bom: true, info: true, skip_empty_lines: true, trim: true },
      columns: (head: string[]) => head.map((name) => fieldOf(name) ?? name),
    });
  } catch (cause) {
    throw wrong(path, null, messageOf(cause));
  }
  return recordsSchema.parse(records).map(({ info, record }) => {
    const { row, at, requestId, label } = record;
    const fields = {
      ...{ requestId, label },
      ...(row !== undefined && row !== '' && { row: Number(row) }),
      ...(at !== undefined && at !== '' && { at }),
    };
    return { number: info.lines, fields };
  });
}

function fieldOf(column: string): string | undefined {
  return COLUMNS[column.toLowerCase().replaceAll(/[^a-z]/g, '')];
}

function wrong(path: string, line: number | null, problem: string): PortError {
  const place = line === null ? path : `${path}, line ${line}`;
  return new PortError('InvalidDataset', `${place}: ${problem.replaceAll(/\s+/g, ' ')}`, {
    details: { path, line },
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
