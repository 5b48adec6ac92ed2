export * from '../../testing/rig.js';
export * from '../../testing/runtime.js';
export * from '../../testing/until.js';
