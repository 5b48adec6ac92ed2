import { runDev } from './commands/dev.js';

// `npm run dev`: `switchyard dev` after the set-up
process.exit(await runDev(process.argv.slice(2)));
