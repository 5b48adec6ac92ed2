import assert from 'node:assert/strict';
import { monitorProblems, monitorSpecSchema } from '../../../domain/monitor/spec.js';
import { retrainProblems, retrainSpecSchema } from '../../../domain/retraining.js';

const monitor = (given: object) => monitorSpecSchema.parse(given);
const retrain = (given: object) => retrainSpecSchema.parse(given);

describe('monitorProblems', () => {
  it('has nothing against the defaults, nor against none', () => {
    assert.deepEqual(monitorProblems(monitor({})), []);
    assert.deepEqual(monitorProblems(undefined), []);
  });

  it('names a check without a limit, one that nothing passes, and a window of half a second', () => {
    const checks = [{ metric: 'error-rate' }, { metric: 'requests', min: 2, max: 1 }];
    const problems = monitorProblems(monitor({ every: '500 ms', checks }));
    assert.match(
      problems[0] ?? '',
      /monitor\.every is 500 ms: a window is a whole number of seconds/,
    );
    assert.match(problems[1] ?? '', /the check on error-rate has no limit/);
    assert.match(problems[2] ?? '', /min 2 above max 1/);
  });
});

describe('retrainProblems', () => {
  it('has nothing against the defaults, an interval or a cron', () => {
    for (const given of [{}, { every: '1 day' }, { cron: '0 3 * * *' }]) {
      assert.deepEqual(retrainProblems(retrain(given)), []);
    }
  });

  it('names a cron that cannot be, every beside cron, and what comes too often', () => {
    const given = { cron: '61 3 * * *', every: '1 ms', onNewData: { check: '1 ms' } };
    const problems = retrainProblems(retrain(given)).join('\n');
    assert.match(problems, /both every and cron/);
    assert.match(problems, /retrain\.every is 1 ms/);
    assert.match(problems, /onNewData\.check is 1 ms/);
    assert.match(problems, /wrong minute "61"/);
  });

  it('asks for a drift check where drift shall start a training', () => {
    const onDrift = retrain({ onDrift: true });
    const drift = monitor({ checks: [{ metric: 'class-drift', max: 0.25 }] });
    assert.deepEqual(retrainProblems(onDrift, drift), []);
    for (const without of [undefined, monitor({})]) {
      assert.match(retrainProblems(onDrift, without)[0] ?? '', /onDrift needs a monitor/);
    }
  });
});
