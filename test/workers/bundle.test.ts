import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBeside, readWorkflowBundle, WORKFLOW_BUNDLE_PATH } from '../../workers/bundle.js';
import { measureWorkflowBundle } from '../../workers/measure-bundle.js';
import { aFolder, failure } from '../adapters/registry/builders.js';
import { fakeActivities } from '../../testing/fake-activities.js';
import { startRig } from '../../testing/rig.js';
import { installRuntime } from '../../testing/runtime.js';
import { until } from '../../testing/until.js';

const LARGEST_BYTES = 1.5e6;

describe('the workflow bundle', () => {
  it('is minified, small, and has its source map beside it', async () => {
    const code = await readFile(WORKFLOW_BUNDLE_PATH, 'utf8');
    assert.ok(code.length < LARGEST_BYTES, `${code.length} bytes`);
    assert.ok(code.split('\n').length < code.length / 1_000, 'it is not minified');
    assert.doesNotMatch(code, /sourceMappingURL|zod\/v4\/locales\/(?!en)/);
    const map = await readFile(mapBeside(WORKFLOW_BUNDLE_PATH), 'utf8');
    assert.match(map, /"workflows\/model-lifecycle\.ts"/);
    assert.doesNotMatch(map, /"\//, 'paths of the machine that built it');
  });

  it('shows the sources’ own files, lines and functions in a workflow’s stack trace', async () => {
    await using rig = await startRig('stack traces', fakeActivities);
    const { workflowId } = await rig.switchyard.start({ model: rig.taskQueue });
    const trace = await until('a hand-off', async () => {
      const { stage } = await rig.switchyard.status(workflowId);
      if (stage !== 'approve') return undefined;
      return rig.client.workflow.getHandle(workflowId).query<string>('__stack_trace');
    });
    await rig.switchyard.cancel(workflowId);
    assert.match(trace, /at waitForDecisions \(workflows\/stages\/approve\.ts:\d+:\d+\)/);
    await assert.rejects(rig.switchyard.outcome(workflowId));
  });

  it('is measured with the time that a worker takes to load it', async () => {
    installRuntime();
    const { codeBytes, mapBytes, loadMs } = await measureWorkflowBundle({ loads: 1 });
    assert.ok(codeBytes > 0 && mapBytes > 0 && loadMs > 0);
  });

  it('says what to type where it was never built', async () => {
    await using folder = await aFolder();
    await assert.rejects(
      readWorkflowBundle(join(folder.path, 'workflow-bundle.js')),
      failure('SetUpMissing', /the workflow bundle is missing: type npm run setup/),
    );
  });
});
