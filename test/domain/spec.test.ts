import assert from 'node:assert/strict';
import { isPortError } from '../../domain/failures.js';
import { parseModelSpec, type ModelSpecInput } from '../../domain/spec.js';

const aSpec = (): ModelSpecInput => ({
  model: 'tickets',
  train: { trainer: 'words', source: 'mails' },
  test: { gates: [{ metric: 'accuracy', min: 0.7 }] },
});

/** The sentence with which a specification is refused. */
function refusal(input: unknown): string {
  try {
    parseModelSpec(input);
  } catch (error) {
    assert.ok(isPortError(error) && error.type === 'InvalidSpec', String(error));
    return error.message;
  }
  assert.fail('it was accepted');
}

describe('parseModelSpec', () => {
  it('fills in every default, and changes nothing when it is parsed again', () => {
    const spec = parseModelSpec(aSpec());

    assert.equal(spec.schemaVersion, 1);
    assert.equal(spec.train.seed, 1);
    assert.equal(spec.test.gates[0]?.minSample, 1);
    assert.deepEqual(spec.approve, { order: 'in-order', handOffs: [] });
    assert.deepEqual(parseModelSpec(JSON.parse(JSON.stringify(spec))), spec);
  });

  it('names the nearest key for one that is misspelt, at any depth', () => {
    const gates = [{ metric: 'accuracy', mni: 0.7 }];
    assert.match(
      refusal({ ...aSpec(), aprove: {} }),
      /it has no key "aprove", did you mean "approve"\?/,
    );
    assert.match(
      refusal({ ...aSpec(), train: { ...aSpec().train, sede: 1 } }),
      /train has no key "sede", did you mean "seed"\?/,
    );
    assert.match(
      refusal({ ...aSpec(), test: { gates } }),
      /test\.gates\.0 .*"mni", did you mean "min"\?/,
    );
  });

  it('suggests only keys of the place, not one that is right elsewhere', () => {
    const deploy = { minReplica: 1, metrics: 'accuracy' };
    const sentence = refusal({ ...aSpec(), deploy });

    assert.match(sentence, /deploy has no key "minReplica", did you mean "minReplicas"\?/);
    assert.match(sentence, /"metrics" \(it takes target, minReplicas, deadline\)/);
  });

  it('suggests nothing for a key that is like none', () => {
    assert.doesNotMatch(refusal({ ...aSpec(), zzzzzzzz: 1 }), /did you mean/);
  });

  it('names every problem at once', () => {
    const sentence = refusal({ ...aSpec(), model: 'Tickets!', train: { trainer: 'words' } });

    assert.match(sentence, /model: a name is/);
    assert.match(sentence, /train\.source/);
  });

  it('refuses gates that contradict each other', () => {
    const gates = [
      { metric: 'accuracy', min: 0.7 },
      { metric: 'accuracy', min: 0.9 },
    ];
    assert.match(refusal({ ...aSpec(), test: { gates } }), /contradict/);
  });

  it('refuses a role that is asked twice, and a reminder after its deadline', () => {
    const handOffs = [{ role: 'lead', deadline: '1 hour', reminder: '2 hours' }, { role: 'lead' }];
    const sentence = refusal({ ...aSpec(), approve: { handOffs } });

    assert.match(sentence, /asks the role "lead" twice/);
    assert.match(sentence, /reminder of "lead" \(2 hours\) comes after its deadline \(1 hour\)/);
  });

  it('refuses somebody in another’s place who has a say already, and an escalation after the deadline', () => {
    const escalation = { after: '2 hours', to: 'on-call' };
    const handOffs = [{ role: 'lead', deadline: '1 hour', escalation }];
    const late = refusal({ ...aSpec(), approve: { handOffs } });
    assert.match(late, /escalation of "lead" \(2 hours\) comes after its deadline \(1 hour\)/);
    const glass = (role: string) =>
      refusal({ ...aSpec(), approve: { handOffs, breakGlass: { role } } });
    assert.match(glass('on-call'), /the glass is broken by "on-call", which has a say already/);
    assert.match(glass('lead'), /the glass is broken by "lead", which has a say already/);
    // an owner is asked where a gate of his cannot be settled
    assert.match(glass('engineering'), /"engineering", which has a say already/);
  });

  it('refuses durations without a unit, seeds that are none, and what is no object', () => {
    const train = aSpec().train;
    assert.match(
      refusal({ ...aSpec(), train: { ...train, deadline: '30' } }),
      /a number and a unit/,
    );
    assert.match(refusal({ ...aSpec(), train: { ...train, seed: 1.5 } }), /train\.seed/);
    assert.match(refusal(null), /without a name/);
  });
});
