import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { readWorkflowBundle } from '../../workers/bundle.js';
import { installRuntime } from '../../testing/runtime.js';
import { COURSES } from './record-histories.js';
import { recordedHistory, recordedNames, recordedText, replay } from './recorded.js';

const CHANGED = fileURLToPath(new URL('changed-workflows.ts', import.meta.url));
const LARGEST_BYTES = 96 * 1024;

describe('recorded histories', () => {
  before(() => installRuntime());

  for (const name of recordedNames()) {
    it(`replays ${name}`, async () => {
      await replay(await readWorkflowBundle(), await recordedHistory(name));
    });
  }

  it('are those that can be recorded, of every stage and every kind of end, and are small', async () => {
    const names = recordedNames();
    assert.deepEqual(names, Object.keys(COURSES).sort());
    assert.ok(names.length >= 20);
    for (const name of names) {
      const { length } = Buffer.from(await recordedText(name));
      assert.ok(length < LARGEST_BYTES, `${name} has ${length} bytes`);
    }
  });

  it('fails a workflow that schedules another activity than was recorded', async () => {
    const workflowBundle = await bundleWorkflowCode({
      workflowsPath: CHANGED,
      logger: new DefaultLogger('WARN'),
    });
    await assert.rejects(
      replay(workflowBundle, await recordedHistory('went-live')),
      DeterminismViolationError,
    );
  });

  it('fails a history in which another activity was scheduled', async () => {
    const edited = await recordedHistory('went-live', (text) =>
      text.replace('"name":"trainModel"', '"name":"convertToOnnx"'),
    );
    await assert.rejects(replay(await readWorkflowBundle(), edited), DeterminismViolationError);
  });
});
