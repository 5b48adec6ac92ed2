import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isPortError } from '../../../domain/failures.js';
import { readLabels } from '../../../scripts/commands/labels-file.js';
import { temporaryFolder } from '../../adapters/model-runtime/temporary-folder.js';

async function read(name: string, text: string) {
  await using folder = await temporaryFolder();
  const path = join(folder.path, name);
  await writeFile(path, text);
  return await readLabels(path);
}

describe('readLabels', () => {
  it('reads a CSV with a head, in any spelling and order of its columns', async () => {
    assert.deepEqual(await read('labels.csv', 'label,request_id\nbilling,r-1\n"a, b",r-2\n'), [
      { requestId: 'r-1', row: 0, label: 'billing' },
      { requestId: 'r-2', row: 0, label: 'a, b' },
    ]);
    const full = '\uFEFFRequest Id,Row,Label,At\r\nr-1,2,billing,2026-03-01T00:00:00Z\r\n';
    assert.deepEqual(await read('labels.csv', full), [
      { requestId: 'r-1', row: 2, label: 'billing', at: '2026-03-01T00:00:00Z' },
    ]);
  });

  it('reads JSON lines', async () => {
    assert.deepEqual(await read('labels.jsonl', '{"requestId":"r-1","label":"a"}\n\n'), [
      { requestId: 'r-1', row: 0, label: 'a' },
    ]);
  });

  const wrong: readonly (readonly [name: string, text: string, sentence: RegExp])[] = [
    ['labels.csv', 'requestId,label\nr-1,a\nr-2,\n', /labels\.csv, line 3: label: it is empty/],
    ['labels.csv', 'requestId,row,label\nr-1,x,a\n', /line 2: row: /],
    ['labels.csv', 'id,lable\nr-1,a\n', /line 2: label: /],
    ['labels.csv', 'requestId,label\nr-1\n', /labels\.csv: .*line 2/],
    ['labels.csv', 'requestId,label\n', /has no labels/],
    ['labels.csv', '', /has no labels/],
    ['labels.jsonl', '{"requestId":"r","label":"a"}\n{"requestId":', /line 2: it is no JSON/],
    ['labels.jsonl', '{"requestId":"r","label":"a","row":-1}', /line 1: row: /],
    ['labels.jsonl', '[1]', /line 1: /],
  ];
  for (const [name, text, sentence] of wrong) {
    it(`refuses ${JSON.stringify(text)} in one sentence`, async () => {
      await assert.rejects(read(name, text), (error) => {
        assert.ok(isPortError(error) && error.type === 'InvalidDataset', String(error));
        assert.match(error.message, sentence);
        return !error.message.includes('\n');
      });
    });
  }

  it('says that a file is not there', async () => {
    await assert.rejects(readLabels('/nowhere/labels.csv'), /cannot be read/);
  });
});
