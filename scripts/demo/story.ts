import type { Switchyard } from '../../client/switchyard.js';
import type { LifecycleOutcome, LifecycleRequest } from '../../domain/lifecycle.js';
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

/** A model that learned nothing: its labels were shuffled before training. */
const SHUFFLED = { shuffle_labels: true };
/** As right as version 2, but a hidden layer of this width takes too much memory on long mails. */
const HUNGRY = { model: 'mlp', hidden: 2048, epochs: 6, min_df: 5 };

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

interface StoryGiven {
  readonly switchyard: Switchyard;
  readonly endpointUrl: string;
  /** Mails of October and later, none of which version 1 was trained on. */
  readonly laterMails: readonly Row[];
  readonly progress: Progress;
  /** Who answers for the roles. */
  readonly approvers: readonly Approver[];
}

/** Runs the whole life of `tickets`; throws in one sentence where anything ends otherwise than it must. */
export async function runStory(given: StoryGiven): Promise<Story> {
  const { switchyard, endpointUrl, laterMails, progress } = given;
  const start = (title: string, request: Omit<LifecycleRequest, 'model'>) =>
    carry(switchyard, {
      title,
      request: { model: MODEL, startedBy: 'demo', ...request },
      approvers: given.approvers,
      progress,
    });

  const first = await start('version 1', EARLY);
  const v1 = expectLive(first);
  const answered = await classifyMails(endpointUrl, laterMails.slice(0, 200));
  progress.say(
    `version ${answered.version} answers ${answered.rows} later mails over HTTP, ${answered.right} right`,
  );
  const second = await start('version 2', LATE);
  const v2 = expectLive(second);
  const shuffled = await start('shuffled labels', { ...LATE, parameters: SHUFFLED });
  expectRejected(shuffled, 'data-science');
  const hungry = await start('too much memory', { ...LATE, parameters: HUNGRY });
  expectRejected(hungry, 'engineering');
  const fallback = await fallBack(given, v2.digest, v1.digest);
  return { lifecycles: [first, second, shuffled, hungry], answered, fallback };
}

/** Orders the fallback and takes the time from the order to the first answer of the version that it went to. */
async function fallBack(given: StoryGiven, from: string, to: string): Promise<Story['fallback']> {
  const { switchyard, endpointUrl, laterMails, progress } = given;
  progress.say('emergency: an engineer orders the fallback');
  const orderedAt = Date.now();
  const [change, answeredAt] = await Promise.all([
    switchyard.fallback(MODEL, {
      leaving: from,
      by: 'grace@example.com',
      reason: 'customers report wrong queues',
    }),
    firstAnswerOf(endpointUrl, {
      model: MODEL,
      text: laterMails[0]?.text ?? '',
      digest: to,
      deadlineMs: 10_000,
    }),
  ]);
  if (change.kind !== 'fallen-back') throw new Error(`the fallback ended "${change.kind}"`);
  const orderToFirstAnswerMs = answeredAt - orderedAt;
  progress.say(`version 1 answers again, ${orderToFirstAnswerMs} ms after the order`);
  return { from, to, orderToFirstAnswerMs, generation: change.generation };
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
