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
  roles: ['data-science', 'engineering'],
  decisions: [],
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
    ['where nobody is asked', {}, { roles: [] }, /asked are none/],
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
      assert.match(refusalOf(aDecision(decision), aDesk(desk)) ?? '', sentence);
    });
  }
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
