export * from '../../testing/builders.js';
