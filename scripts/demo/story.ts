import type { Switchyard } from '../../client/switchyard.js';
import type { LifecycleOutcome } from '../../domain/lifecycle.js';
import type { Row } from '../../domain/ports/dataset-source.js';
import { carry, type Approver, type Carried } from './carry.js';
import { classify, firstAnswerOf } from './endpoint-client.js';
import type { Progress } from './progress.js';

const MODEL = 'tickets';

/** Version 1 knows the mails to August and is held against September's; later ones know September and are held against the rest. */
const EARLY = {
  trainRows: { until: '2002-09-01T00:00:00Z' },
  heldOutRows: { from: '2002-09-01T00:00:00Z', until: '2002-10-01T00:00:00Z' },
};
const LATE = {
  trainRows: { until: '2002-10-01T00:00:00Z' },
  heldOutRows: { from: '2002-10-01T00:00:00Z' },
};

const APPROVERS: readonly Approver[] = [
  {
    role: 'data-science',
    by: 'ada@example.com',
    reason: 'the gates hold on mails it has not seen',
    way: 'update',
  },
  {
    role: 'engineering',
    by: 'grace@example.com',
    reason: 'latency and memory are within budget',
    way: 'signal',
  },
];

/** What happened, checked. */
export interface Story {
  readonly lifecycles: readonly Carried[];
  /** Real mails of a later month, as version 1 answered them through the endpoint. */
  readonly answered: { readonly rows: number; readonly right: number; readonly version: string };
  readonly fallback: {
    readonly from: string;
    readonly to: string;
    readonly orderToFirstAnswerMs: number;
    readonly generation: number;
  };
}

/** Runs the whole life of `tickets`; throws in one sentence where anything ends otherwise than it must. */
export async function runStory(given: {
  switchyard: Switchyard;
  endpointUrl: string;
  /** Mails of October and later, none of which version 1 was trained on. */
  laterMails: readonly Row[];
  progress: Progress;
}): Promise<Story> {
  const { switchyard, endpointUrl, laterMails, progress } = given;
  const shared = { approvers: APPROVERS, progress };
  const start = (title: string, request: object) =>
    carry(switchyard, {
      ...shared,
      title,
      request: { model: MODEL, startedBy: 'demo', ...request },
    });

  const first = await start('version 1', EARLY);
  const v1 = expectLive(first);
  const answered = await classifyMails(endpointUrl, laterMails.slice(0, 200));
  progress.say(
    `version ${answered.version} answers ${answered.rows} later mails over HTTP, ${answered.right} right`,
  );

  const second = await start('version 2', LATE);
  const v2 = expectLive(second);

  const shuffled = await start('shuffled labels', {
    ...LATE,
    parameters: { shuffle_labels: true },
  });
  expectRejected(shuffled, 'data-science');

  const hungry = await start('too much memory', {
    ...LATE,
    parameters: { model: 'mlp', hidden: 2048, epochs: 6, min_df: 5 },
  });
  expectRejected(hungry, 'engineering');

  const text = laterMails[0]?.text ?? '';
  progress.say('emergency: an engineer orders the fallback');
  const orderedAt = Date.now();
  const firstAnswer = firstAnswerOf(endpointUrl, {
    model: MODEL,
    text,
    digest: v1.digest,
    deadlineMs: 10_000,
  });
  const [change, answeredAt] = await Promise.all([
    switchyard.fallback(MODEL, {
      leaving: v2.digest,
      by: 'grace@example.com',
      reason: 'customers report wrong queues',
    }),
    firstAnswer,
  ]);
  if (change.kind !== 'fallen-back') throw new Error(`the fallback ended "${change.kind}"`);
  const orderToFirstAnswerMs = answeredAt - orderedAt;
  progress.say(`version 1 answers again, ${orderToFirstAnswerMs} ms after the order`);
  return {
    lifecycles: [first, second, shuffled, hungry],
    answered,
    fallback: {
      from: v2.digest,
      to: v1.digest,
      orderToFirstAnswerMs,
      generation: change.generation,
    },
  };
}

function expectLive({ title, outcome }: Carried): Extract<LifecycleOutcome, { outcome: 'live' }> {
  if (outcome.outcome === 'live') return outcome;
  throw new Error(`${title} should be live, but ended: ${JSON.stringify(outcome)}`);
}

function expectRejected({ title, outcome }: Carried, owner: 'engineering' | 'data-science'): void {
  const findings = outcome.outcome === 'rejected' ? outcome.findings : [];
  const owned = findings.filter((finding) => finding.owner === owner && finding.inputs.length > 0);
  if (owned.length > 0 && owned.length === findings.length) return;
  throw new Error(
    `${title} should be rejected with findings for ${owner} alone, but ended: ${JSON.stringify(outcome)}`,
  );
}

async function classifyMails(
  endpointUrl: string,
  mails: readonly Row[],
): Promise<Story['answered']> {
  let right = 0;
  let version = '';
  for (const mail of mails) {
    const answer = await classify(endpointUrl, MODEL, [mail.text]);
    version = answer.version;
    if (answer.labels[0] === mail.label) right += 1;
  }
  return { rows: mails.length, right, version };
}
