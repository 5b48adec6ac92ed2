export { followUp } from './follow-up.js';
export { liveModel } from './live-model.js';
export { modelLifecycle } from './model-lifecycle.js';
export { monitorModel } from './monitor-model.js';
export { reconcile } from './reconcile.js';
