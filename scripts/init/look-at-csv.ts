import { resolve } from 'node:path';
import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';
import { z } from 'zod';
import { csvSource } from '../../adapters/sources/csv-source.js';
import { PortError } from '../../domain/failures.js';

/** A CSV that can be learnt from. */
export interface UsableCsv {
  readonly file: string;
  readonly text: string;
  readonly label: string;
  readonly rows: number;
  readonly labels: readonly string[];
}

/**
 * Reads a CSV as training will.
 * @param given - `text` and `label` name its columns; default: those of these names.
 * @throws PortError `InvalidDataset` where the columns cannot be told, a row is wrong, or there are not two labels.
 */
export async function lookAtCsv(
  file: string,
  given: { readonly text?: string; readonly label?: string },
): Promise<UsableCsv> {
  const columns = await columnsOf(file);
  const text = given.text ?? 'text';
  const label = given.label ?? 'label';
  const wrong = [text, label].find((name) => !columns.includes(name));
  if (wrong !== undefined) {
    throw new PortError(
      'InvalidDataset',
      `${file} has no column "${wrong}" but ${columns.join(', ').slice(0, 300)}: name the two with --text COLUMN --label COLUMN`,
      { details: { file, columns } },
    );
  }
  const rows = await csvSource({ file: resolve(file), text, label }).rows({});
  const labels = [...new Set(rows.map((row) => row.label))].sort();
  if (labels.length < 2) {
    throw new PortError(
      'InvalidDataset',
      `${file} has ${rows.length} rows with ${labels.length} label: a classifier needs two labels or more`,
      { details: { file } },
    );
  }
  return { file, text, label, rows: rows.length, labels };
}

async function columnsOf(file: string): Promise<readonly string[]> {
  const parser = parse({ bom: true, to_line: 1, relax_column_count: true });
  const bytes = createReadStream(file);
  bytes.on('error', (error) => parser.destroy(error));
  try {
    for await (const header of bytes.pipe(parser)) {
      return z
        .array(z.string())
        .parse(header)
        .map((name) => name.trim());
    }
    return [];
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'unknown error';
    throw new PortError('InvalidDataset', `${file} cannot be read as a CSV: ${why}`, { cause });
  } finally {
    bytes.destroy();
  }
}
