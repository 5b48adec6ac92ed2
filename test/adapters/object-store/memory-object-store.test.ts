import { MemoryObjectStore } from '../../../testing/memory-object-store.js';
import { objectStoreSuite } from '../../ports/object-store.suite.js';

objectStoreSuite('MemoryObjectStore', () => Promise.resolve(new MemoryObjectStore()));
