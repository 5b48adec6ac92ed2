import assert from 'node:assert/strict';
import {
  askedRoles,
  decisionSchema,
  refusalOf,
  sameDecision,
  type Decision,
  type DeskState,
} from '../../domain/decision.js';
import { digestOfJson } from '../../domain/digest.js';
import {
  openRoles,
  policyFaults,
  policyOfRoles,
  withoutSpares,
  type ApprovalPolicy,
} from '../../domain/signing/policy.js';

const EVIDENCE = digestOfJson('evidence');
const aDecision = (fields: Partial<Decision> = {}): Decision => ({
  role: 'data-science',
  decision: 'approved',
  by: 'Ada',
  reason: 'the table is fine',
  evidence: EVIDENCE,
  signature: null,
  ...fields,
});
const recorded = (fields: Partial<Decision> = {}) => ({
  ...aDecision(fields),
  at: '2026-01-02T03:04:05Z',
});
const aDesk = (fields: Partial<DeskState> = {}): DeskState => ({
  evidence: EVIDENCE,
  order: 'in-order',
  policy: policyOfRoles(['data-science', 'engineering']),
  decisions: [],
  escalated: [],
  closed: null,
  ...fields,
});

describe('refusalOf', () => {
  it('takes a decision on the evidence that is on the table', () => {
    assert.equal(refusalOf(aDecision(), aDesk()), null);
  });

  it('takes an early one, before its role’s turn', () => {
    assert.equal(refusalOf(aDecision({ role: 'engineering' }), aDesk()), null);
  });

  it('takes the same one twice', () => {
    assert.equal(refusalOf(aDecision(), aDesk({ decisions: [recorded()] })), null);
  });

  for (const [title, decision, desk, sentence] of [
    ['after the end', {}, { closed: 'it expired' }, /closed: it expired/],
    ['before there is evidence', {}, { evidence: null }, /no evidence yet/],
    [
      'by a role that is not asked',
      { role: 'sales' },
      {},
      /"sales" is not asked; asked are data-sc/,
    ],
    ['where nobody is asked', {}, { policy: policyOfRoles([]) }, /asked are none/],
    [
      'on other evidence',
      { evidence: digestOfJson('old') },
      {},
      /names evidence [0-9a-f]{12}, but/,
    ],
    [
      'against an earlier one',
      { decision: 'rejected' },
      { decisions: [recorded()] },
      /already approved \(Ada, 2026/,
    ],
    [
      'after a wish for more data',
      {},
      { decisions: [recorded({ decision: 'needs-more-data' })] },
      /already asked for more data/,
    ],
  ] as const) {
    it(`refuses one ${title}`, () => {
      assert.match(refusalOf(aDecision(decision), aDesk(desk))?.sentence ?? '', sentence);
    });
  }
});

describe('a policy of several people', () => {
  const policy: ApprovalPolicy = {
    handOffs: [
      { role: 'data-science', quorum: 2, distinctFrom: ['starter'] },
      { role: 'engineering', quorum: 1, distinctFrom: ['data-science'] },
    ],
    starter: 'Mary',
  };
  const byAda = [recorded()];
  const codeOf = (fields: Partial<Decision>, decisions = byAda) =>
    refusalOf(aDecision(fields), aDesk({ policy, decisions }))?.code ?? 'taken';

  it('asks a role until enough people of it have approved', () => {
    assert.deepEqual(askedRoles(aDesk({ policy, decisions: byAda })), ['data-science']);
    const both = [...byAda, recorded({ by: 'Grace' })];
    assert.deepEqual(askedRoles(aDesk({ policy, decisions: both })), ['engineering']);
    assert.deepEqual(openRoles(policy, both), ['engineering']);
    assert.equal(codeOf({ by: 'Joan' }, both), 'already');
  });

  it('counts a person once, and nobody twice', () => {
    assert.equal(codeOf({ by: 'Grace' }), 'taken');
    assert.equal(codeOf({ decision: 'rejected' }), 'already');
    assert.equal(codeOf({}), 'taken', 'the very same again');
  });

  it('lets nobody decide who started it, or who decided for the other role, whichever comes first', () => {
    assert.equal(codeOf({ by: 'Mary' }), 'self');
    assert.equal(codeOf({ role: 'engineering' }), 'not-distinct');
    assert.equal(codeOf({ by: 'Mary', role: 'engineering' }), 'taken');
    assert.equal(codeOf({}, [recorded({ role: 'engineering' })]), 'not-distinct');
    const approvals = [...byAda, recorded({ by: 'Grace' }), recorded({ role: 'engineering' })];
    assert.match(policyFaults(policy, approvals).join(), /Ada has decided for "engineering"/);
    const others = [...approvals.slice(0, 2), recorded({ role: 'engineering', by: 'Mary' })];
    assert.deepEqual(policyFaults(policy, others), []);
    assert.match(
      policyFaults(policy, byAda).join(),
      /1 of 2 people approved this evidence for data-science/,
    );
  });
});

describe('a policy with somebody in another’s place', () => {
  const policy: ApprovalPolicy = {
    handOffs: [
      { role: 'data-science', quorum: 1, distinctFrom: ['starter'], escalation: 'lead' },
      { role: 'engineering', quorum: 1, distinctFrom: ['data-science'] },
    ],
    starter: 'Mary',
    breakGlass: { role: 'on-call', quorum: 2 },
  };
  const codeOf = (fields: Partial<Decision>, desk: Partial<DeskState> = {}) =>
    refusalOf(aDecision(fields), aDesk({ policy, ...desk }))?.code ?? 'taken';
  const byLead = recorded({ role: 'lead' });

  it('takes the answer of the role that a hand-off is escalated to once it is', () => {
    assert.equal(codeOf({ role: 'lead' }), 'not-asked');
    const escalated = ['data-science'];
    assert.equal(codeOf({ role: 'lead' }, { escalated }), 'taken');
    assert.equal(codeOf({ role: 'lead', by: 'Mary' }, { escalated }), 'self');
    assert.deepEqual(askedRoles(aDesk({ policy, escalated })), ['data-science', 'lead']);
    const decisions = [byLead];
    assert.deepEqual(askedRoles(aDesk({ policy, escalated, decisions })), ['engineering']);
    const late = { by: 'Grace', decision: 'rejected' } as const;
    assert.equal(codeOf(late, { escalated, decisions }), 'already');
  });

  it('holds who is distinct from whom for that role too', () => {
    const engineering = { role: 'engineering' };
    assert.equal(codeOf(engineering, { decisions: [byLead] }), 'not-distinct');
    assert.equal(codeOf({ ...engineering, by: 'Grace' }, { decisions: [byLead] }), 'taken');
    const approvals = [byLead, recorded({ ...engineering, by: 'Grace' })];
    assert.deepEqual(policyFaults(policy, approvals), []);
  });

  it('has nobody in another’s place who is asked anyway', () => {
    const without = withoutSpares(policy, (role) => role !== 'lead');
    assert.deepEqual(without.breakGlass, policy.breakGlass);
    assert.equal(without.handOffs[0]?.escalation, undefined);
    assert.equal(withoutSpares(policy, (role) => role !== 'on-call').breakGlass, undefined);
    assert.deepEqual(
      withoutSpares(policy, () => true),
      policy,
    );
  });

  it('is satisfied by enough people who break the glass, each counted once, none of them the starter', () => {
    const onCall = (by: string) => recorded({ role: 'on-call', by });
    assert.equal(codeOf({ role: 'on-call', decision: 'rejected' }), 'not-asked');
    assert.equal(codeOf({ role: 'on-call', by: 'Mary' }), 'self');
    assert.equal(policyFaults(policy, [onCall('Ada'), onCall('Ada')]).length, 2);
    assert.deepEqual(policyFaults(policy, [onCall('Ada'), onCall('Joan')]), []);
    assert.match(policyFaults(policy, [onCall('Ada'), onCall('Mary')]).join(), /Mary started this/);
    assert.deepEqual(openRoles(policy, [onCall('Ada'), onCall('Joan')]), []);
  });
});

describe('sameDecision', () => {
  it('compares role, answer, person, reason and evidence', () => {
    assert.ok(sameDecision(aDecision(), aDecision({ signature: 'x' })));
    for (const other of [
      { role: 'x' },
      { decision: 'rejected' },
      { by: 'x' },
      { reason: 'x' },
    ] as const) {
      assert.ok(!sameDecision(aDecision(), aDecision(other)));
    }
  });
});

describe('askedRoles', () => {
  it('is the first open role in order, all open ones in parallel', () => {
    assert.deepEqual(askedRoles(aDesk()), ['data-science']);
    assert.deepEqual(askedRoles(aDesk({ order: 'in-parallel' })), ['data-science', 'engineering']);
    assert.deepEqual(askedRoles(aDesk({ decisions: [recorded()] })), ['engineering']);
  });
});

describe('decisionSchema', () => {
  it('wants a reason and a person, and nothing that it does not know', () => {
    assert.ok(decisionSchema.safeParse(aDecision()).success);
    assert.ok(!decisionSchema.safeParse(aDecision({ reason: '  ' })).success);
    assert.ok(!decisionSchema.safeParse(aDecision({ by: '' })).success);
    assert.ok(!decisionSchema.safeParse({ ...aDecision(), approve: true }).success);
  });
});
