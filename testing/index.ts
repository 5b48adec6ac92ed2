/**
 * What our own tests use: real servers, workers whose every history is replayed, activities that answer at once, and a store in
 * memory. It needs no test framework.
 *
 * @packageDocumentation
 */

// Servers.
export { startTimeSkippingServer, type TimeSkippingServer } from './time-skipping.js';
export { stopTestServers, testServers, type TestServers } from './servers.js';

// Workers.
export { replayAll, startRig, type Rig, type RigOptions } from './rig.js';
export { until } from './until.js';

// Stand-ins for ports and activities.
export { fakeActivities, MemoryLive } from './fake-activities.js';
export { MemoryObjectStore } from './memory-object-store.js';

// Values.
export { aCandidate, aDecision, aDigest, aSnapshot, aSpec, aTested } from './builders.js';
