export * from '../../../testing/fake-activities.js';
