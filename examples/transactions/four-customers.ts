/** Four customers and a small one, on the endpoint of `switchyard dev` in another terminal or on another one: see README.md. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { customersAtOnce } from './customers-at-once.js';
import { statementLines } from './statement-lines.js';

const LINES = 20_000;

const { values } = parseArgs({ options: { endpoint: { type: 'string' } } });
const endpoint = values.endpoint ?? (await endpointOfDev());
const lines = (await statementLines(LINES)).map(({ text }) => text);
const url = `${endpoint}/v2/models/transactions`;
for await (const line of customersAtOnce({ url, lines })) console.log(line);

/** Where `switchyard dev` writes it, in this folder. */
async function endpointOfDev(): Promise<string> {
  const schema = z.object({ urls: z.object({ endpoint: z.string() }) });
  return schema.parse(JSON.parse(await readFile('.switchyard/dev.json', 'utf8'))).urls.endpoint;
}
