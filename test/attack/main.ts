import { runSeeded } from '../chaos/run-seeded.js';

/** `npm run attack -- NAME`: does what it must not be able to do, and looks whether anything of it counted. */
await runSeeded('attack', {
  approvals: async () => (await import('./approvals.js')).runApprovals,
  audit: async () => (await import('./audit.js')).runAudit,
  frontend: async () => (await import('./frontend.js')).runFrontend,
});
