import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { readWorkflowBundle } from '../../workers/bundle.js';
import { installRuntime } from '../../testing/runtime.js';

const HISTORIES = fileURLToPath(new URL('histories/', import.meta.url));
const CHANGED = fileURLToPath(new URL('changed-workflows.ts', import.meta.url));
const LARGEST_BYTES = 80 * 1024;

async function read(name: string, edit = (text: string) => text): Promise<unknown> {
  const history: unknown = JSON.parse(edit(await readFile(HISTORIES + name, 'utf8')));
  return history;
}

describe('recorded histories', () => {
  before(installRuntime);

  for (const name of readdirSync(HISTORIES)) {
    it(`replays ${name}`, async () => {
      const workflowBundle = await readWorkflowBundle();
      await Worker.runReplayHistory({ workflowBundle }, await read(name));
    });
  }

  it('show every end of a lifecycle, and are small', async () => {
    const names = readdirSync(HISTORIES).map((name) => name.replace('.json', ''));
    assert.deepEqual(names.sort(), [
      'cancelled',
      'expired',
      'frozen-then-thawed',
      'gathered',
      'live-model',
      'live-model-frozen',
      'monitor',
      'more-data-wanted',
      'refused',
      'rejected',
      'superseded',
      'undone-after-failed-deploy',
      'went-live',
    ]);
    for (const name of readdirSync(HISTORIES)) {
      const { length } = await readFile(HISTORIES + name);
      assert.ok(length < LARGEST_BYTES, `${name} has ${length} bytes`);
    }
  });

  it('fails a workflow that schedules another activity than was recorded', async () => {
    const workflowBundle = await bundleWorkflowCode({
      workflowsPath: CHANGED,
      logger: new DefaultLogger('WARN'),
    });
    await assert.rejects(
      Worker.runReplayHistory({ workflowBundle }, await read('went-live.json')),
      DeterminismViolationError,
    );
  });

  it('fails a history in which another activity was scheduled', async () => {
    const edited = await read('went-live.json', (text) =>
      text.replace('"name":"trainModel"', '"name":"convertToOnnx"'),
    );
    await assert.rejects(
      Worker.runReplayHistory({ workflowBundle: await readWorkflowBundle() }, edited),
      DeterminismViolationError,
    );
  });
});
