/**
 * The ready workflows, and the stages of which they are made, for workflows of your own. Everything here runs in the workflow
 * sandbox.
 *
 * @packageDocumentation
 */

// The ready workflows.
export { liveModel } from './live-model.js';
export { modelLifecycle } from './model-lifecycle.js';
export { monitorModel } from './monitor-model.js';
export type { MonitorEnd } from './monitor-messages.js';

// Messages, by which clients and workflows talk.
export * as messages from './messages.js';

// One candidate's state: its ledger of undos, its desk for decisions, its status.
export { runLifecycle } from './run-lifecycle.js';
export { parseEntry } from './door.js';
export { createLifecycle, type Lifecycle } from './lifecycle.js';
export { createLedger, openLedger, type Ledger, type Undo, type Undone } from './ledger.js';
export type { Journal } from './journal.js';
export { openDesk, type Desk, type Signed } from './desk.js';
export type { DeskState } from '../domain/decision.js';
export type { Refusal } from '../domain/signing/refusal.js';

// The stages, in order.
export { resolveSpec, retrain, type Retrained } from './stages/retrain.js';
export { convert, type Converted } from './stages/convert.js';
export { gatherOnce, testUntilSettled, type Settled, type TestGiven } from './stages/test.js';
export { approve, type Approval } from './stages/approve.js';
export { deploy, type DeployGiven, type Deployed } from './stages/deploy.js';
export { cleanUp } from './stages/clean-up.js';

// How a candidate ends.
export { convertedNot, endedAs, rejectedByGates, wentLive } from './outcomes.js';

// The activities, with the queue, the deadlines and the retries that each kind needs.
export { bookkeeping, onQueue, pointerWrite, undoing, waiting } from './activity-options.js';
