/** Runs one script as a trainer until it is killed: a worker in miniature, for the test that kills it. */
import { Workshop } from './scripts.js';

const [body = ''] = process.argv.slice(2);
const shop = new Workshop(body);
process.stdout.write(`${shop.folder}\n`);
await shop.run();
