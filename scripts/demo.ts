import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { connectClient } from '../client/connect.js';
import { Switchyard } from '../client/switchyard.js';
import { createTicketMails } from '../examples/tickets/mails.js';
import { makePeople, type People } from './demo/people.js';
import { createProgress } from './demo/progress.js';
import { runStory } from './demo/story.js';
import { renderSummary, summarize, type Summary } from './demo/summary.js';
import { removeDevState, writeDevState } from './servers/dev-state.js';
import { isAlive } from './servers/is-alive.js';
import { devStateOf, ROOT, startStack, untilInterrupted, type Stack } from './stack.js';

const startedAt = Date.now();

/** `npm run demo`: the whole life of `tickets` on real servers. Exit code 0 only if all of it happened. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { json: { type: 'boolean' }, keep: { type: 'boolean' } },
  });
  const demos = join(ROOT, '.switchyard', 'demo');
  await mkdir(demos, { recursive: true });
  await sweepKilledRuns(demos);
  const directory = await mkdtemp(join(demos, `${process.pid}-`));
  try {
    const people = await makePeople(join(directory, 'keys'));
    const { trustFile, witnessKey } = people;
    const trusting = { trustFile, witnessKey };
    await using stack = await startStack({ directory, models: ['tickets'], ...trusting });
    const summary = await Promise.race([tell(stack, people), stack.broken]);
    const kept = values.keep === true;
    process.stdout.write(
      values.json === true ? `${JSON.stringify(summary)}\n` : renderSummary(summary, kept),
    );
    if (kept) await keepOpen(stack, people);
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Deletes what demos that were killed left behind: each folder begins with its process id. */
async function sweepKilledRuns(demos: string): Promise<void> {
  for (const folder of await readdir(demos)) {
    if (isAlive(Number.parseInt(folder, 10))) continue;
    await rm(join(demos, folder), { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Until Ctrl-C; a second terminal finds the servers through the development state. */
async function keepOpen(stack: Stack, { visitorKey }: People): Promise<void> {
  await writeDevState(ROOT, { ...devStateOf(stack, ['tickets']), key: visitorKey });
  try {
    await Promise.race([untilInterrupted(), stack.broken]);
  } finally {
    await removeDevState(ROOT, process.pid);
  }
}

async function tell(stack: Stack, { approvers }: People): Promise<Summary> {
  const progress = createProgress(startedAt);
  progress.say(`web UI ${stack.temporal.uiUrl}, endpoint ${stack.endpointUrl}`);
  const connected = await connectClient({ address: stack.temporal.address });
  try {
    const story = await runStory({
      switchyard: new Switchyard({ client: connected.client }),
      endpointUrl: stack.endpointUrl,
      laterMails: await createTicketMails().rows({ from: '2002-10-01T00:00:00Z' }),
      ...{ progress, approvers },
    });
    return summarize(story, {
      uiUrl: stack.temporal.uiUrl,
      endpointUrl: stack.endpointUrl,
      bucket: stack.s3.bucket,
      seconds: (Date.now() - startedAt) / 1_000,
      setUpSeconds: Number(process.env['SWITCHYARD_SETUP_MS'] ?? 0) / 1_000,
    });
  } finally {
    await connected.close();
  }
}

await main();
