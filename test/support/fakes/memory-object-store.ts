export * from '../../../testing/memory-object-store.js';
