import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { aDecision } from '../../../testing/builders.js';
import { fakeActivities } from '../../../testing/fake-activities.js';
import { startRig, type Rig } from '../../../testing/rig.js';
import { testServers } from '../../../testing/servers.js';
import { until } from '../../../testing/until.js';
import { typeCommand, type Ended } from '../../support/typed-command.js';

const WHO = ['--by', 'grace@example.com'];

describe('the command undo', () => {
  let folder = '';
  let isDenied = true;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'switchyard-undo-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** Types a command where the rig's workers work. */
  async function type(rig: Rig, ...args: readonly string[]): Promise<Ended> {
    const { temporal } = await testServers();
    const environment = {
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_UI_URL: temporal.uiUrl,
      SWITCHYARD_TASK_QUEUE: rig.taskQueue,
    };
    return typeCommand(args, { folder, environment });
  }

  async function stuck(rig: Rig): Promise<string> {
    const { workflowId } = await rig.switchyard.start({ model: rig.taskQueue });
    await waitsFor(rig, workflowId, 'data-science');
    const decision = aDecision({ decision: 'rejected', reason: 'slices look odd' });
    await rig.switchyard.decide(workflowId, decision);
    await waitsFor(rig, workflowId, 'undo');
    return workflowId;
  }

  const sentenceOf = ({ code, stderr, stdout }: Ended, expected: number): string => {
    assert.equal(code, expected, `${stdout}${stderr}`);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
    return stderr;
  };

  it('tries again what status shows as failed, or closes it with a reason, and says what it needs', async function () {
    this.timeout(60_000);
    isDenied = true;
    await using rig = await startRig('the command undo', (place) =>
      fakeActivities(place, {
        overrides: {
          sweepStaging: () =>
            isDenied
              ? Promise.reject(ApplicationFailure.nonRetryable('access denied', 'StoreRefused'))
              : Promise.resolve(3),
        },
      }),
    );
    const id = await stuck(rig);
    const model = rig.taskQueue;
    const [status, neither, noReason, wrongStep] = await Promise.all([
      type(rig, 'status', model),
      type(rig, 'undo', model),
      type(rig, 'undo', id, '--accept', '--step', 'staging', '--reason', ' '),
      type(rig, 'undo', id, '--accept', '--step', 'stagign', '--reason', 'by hand', ...WHO),
    ]);
    const failedAgain = await type(rig, 'undo', model, '--retry', ...WHO); // what status would show as under way
    assert.match(status.stdout, /waits for undo\n/);
    assert.match(status.stdout, /undone: staging: failed, access denied\n/);
    assert.match(status.stdout, new RegExp(`next: {3}npx switchyard undo ${id} --retry\n`));
    assert.match(sentenceOf(neither, 2), /needs one of --retry and --accept: npx switchyard undo/);
    assert.match(sentenceOf(noReason, 2), /--accept needs a step and a reason/);
    assert.match(sentenceOf(wrongStep, 1), /did you mean "staging"\?$/m);
    assert.equal(failedAgain.code, 1, failedAgain.stderr);
    assert.match(failedAgain.stdout, /tried again, and failed: "staging": access denied\n/);
    assert.match(failedAgain.stdout, /web UI: http.*\nnext: {3}npx switchyard undo .* --retry\n/);

    isDenied = false;
    const done = await type(rig, 'undo', id, '--retry', '--json', ...WHO);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /"end":"restored".*"webUi":"http.*"next":\["npx switchyard status/);
    assert.equal((await rig.switchyard.outcome(id)).outcome, 'refused');
    assert.match(sentenceOf(await type(rig, 'undo', id, '--retry'), 1), /waits for a person|ended/);
  });
});

async function waitsFor(rig: Rig, workflowId: string, role: string): Promise<void> {
  await until(`it waits for ${role}`, async () =>
    (await rig.switchyard.status(workflowId)).waitingFor.includes(role) ? true : undefined,
  );
}
