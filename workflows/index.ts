export { liveModel } from './live-model.js';
export { modelLifecycle } from './model-lifecycle.js';
