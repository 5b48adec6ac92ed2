/**
 * One candidate of `tickets`, from retrain to live and back, on the servers that `npm run demo -- --keep` left open in another
 * terminal, or else on those that `TEMPORAL_ADDRESS` names, by the key that `SWITCHYARD_KEY` names.
 */
import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { connectClient } from '../client/connect.js';
import { readKeyFile } from '../client/signing/key-file.js';
import { Switchyard } from '../client/switchyard.js';
import { readDevState } from '../scripts/servers/dev-state.js';

const open = await readDevState(process.cwd());
const connected = await connectClient(open === null ? {} : { address: open.temporal.address });
const { client } = connected;
const keyFile = open?.key ?? process.env['SWITCHYARD_KEY'];
const key = keyFile === undefined ? undefined : await readKeyFile(keyFile);
const by = key?.person ?? 'ada@example.com';

// readme: start
const switchyard = new Switchyard({ client, key }); // signs, where decisions are signed
const { workflowId } = await switchyard.start({ model: 'tickets', seed: randomInt(2 ** 31) });
const ending = switchyard.outcome(workflowId);
let end = null;
while (end === null) {
  const { stage, waitingFor, evidence } = await switchyard.status(workflowId);
  const yes = { decision: 'approved', by, reason: 'the gates hold' } as const;
  for (const role of stage === 'approve' ? waitingFor : [])
    await switchyard.decide(workflowId, { role, evidence: evidence ?? '', ...yes });
  end = await Promise.race([ending, pause(500, null)]);
}
console.log(end.outcome); // live, rejected, refused, expired or superseded
const order = { by, reason: 'customers report wrong queues' }; // the version before serves again
if (end.outcome === 'live')
  console.log(await switchyard.fallback('tickets', { leaving: end.digest, ...order }));
// readme: end

await connected.close();
