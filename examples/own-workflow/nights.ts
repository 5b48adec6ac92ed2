/** Three nights on the servers that `switchyard dev` keeps open in another terminal: see README.md. */
import { randomUUID } from 'node:crypto';
import { connectClient } from '../../client/connect.js';
import { readDevState } from '../../scripts/servers/dev-state.js';
import { threeNights } from './three-nights.js';

const open = await readDevState(process.cwd());
const connected = await connectClient(open === null ? {} : { address: open.temporal.address });
const name = `nights/${randomUUID().slice(0, 8)}`;
const given = { client: connected.client, taskQueue: 'switchyard', name };
for await (const line of threeNights(given)) console.log(line);
await connected.close();
