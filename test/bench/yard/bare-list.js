/** What a bare process does for the same list: imports the client, connects, asks once. */
import { Client, Connection } from '@temporalio/client';

const [address, query, limit] = process.argv.slice(2);
const connection = await Connection.connect({ address });
const client = new Client({ connection });
const found = [];
for await (const each of client.workflow.list({ query, pageSize: Number(limit) })) {
  found.push(each.workflowId);
  if (found.length === Number(limit)) break;
}
await connection.close();
process.stdout.write(`${found.join('\n')}\n`);
