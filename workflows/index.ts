export { liveModel } from './live-model.js';
export { modelLifecycle } from './model-lifecycle.js';
export { monitorModel } from './monitor-model.js';
