import assert from 'node:assert/strict';
import {
  JournalFiles,
  journalHeads,
  readJournals,
} from '../../../adapters/registry/journal-files.js';
import { journalKey, trustKey } from '../../../adapters/registry/keys.js';
import { randomUUID } from 'node:crypto';
import { HEADS_REMEMBERED } from '../../../domain/live-state.js';
import { digestOfBytes } from '../../../domain/digest.js';
import type { JournalEntry } from '../../../domain/journal.js';
import { emptyTrust } from '../../../domain/signing/trust-edits.js';
import type { Trust } from '../../../domain/signing/trust.js';
import { MemoryObjectStore } from '../../../testing/memory-object-store.js';
import { signersOf } from '../../support/signers.js';
import { failure } from './builders.js';

const MODEL = 'tickets';
const RUN = '0195d1a0-0000-7000-8000-000000000001';
const OTHER_RUN = '0195d1a0-0000-7000-8000-000000000002';
const PLACE = { model: MODEL, workflowId: 'lifecycle/tickets/1', run: RUN };
const STARTED: JournalEntry = { kind: 'started', request: { model: MODEL } };
const UNDONE: JournalEntry = {
  kind: 'undone',
  row: { step: 'staging', end: 'restored', note: '3 objects deleted' },
};

describe('a journal', () => {
  let store: MemoryObjectStore;
  beforeEach(() => {
    store = new MemoryObjectStore();
  });

  const bytesAt = async (key: string) => (await store.get(key))?.bytes ?? new Uint8Array();

  it('is a chain of lines, each with the digest of the one before', async () => {
    const journal = new JournalFiles(store);
    const first = await journal.write({ ...PLACE, after: null, entries: [STARTED] });
    const second = await journal.write({ ...PLACE, after: first, entries: [UNDONE] });
    assert.equal(first.digest, digestOfBytes(await bytesAt(journalKey(MODEL, RUN, 1))));
    assert.deepEqual([first.line, second.line], [1, 2]);
    const lines = await readJournals(store, MODEL);
    assert.deepEqual(
      lines.map(({ line, previous }) => [line, previous]),
      [
        [1, null],
        [2, first.digest],
      ],
    );
  });

  it('finds what a lost attempt wrote, also where that was a part of it', async () => {
    const tick = { ms: 0 };
    const now = () => new Date((tick.ms += 1_000));
    const entries = [STARTED, UNDONE] as const;
    const lost = await new JournalFiles(store, { now }).write({
      ...{ ...PLACE, after: null, entries: [STARTED] },
    });
    const again = new JournalFiles(store, { now });
    const head = await again.write({ ...PLACE, after: null, entries });
    assert.deepEqual(await again.write({ ...PLACE, after: null, entries }), head);
    assert.equal((await readJournals(store, MODEL))[1]?.previous, lost.digest);
    assert.equal((await store.list('models/')).objects.length, 2);
  });

  it('refuses another line in its place', async () => {
    const journal = new JournalFiles(store);
    await journal.write({ ...PLACE, after: null, entries: [UNDONE] });
    await assert.rejects(
      journal.write({ ...PLACE, after: null, entries: [STARTED] }),
      failure('StoreRefused', /1\.json is another line than this run writes there/),
    );
  });

  it('goes on in the journal of the run that a reset began', async () => {
    const journal = new JournalFiles(store);
    const after = await journal.write({ ...PLACE, after: null, entries: [STARTED] });
    await journal.write({ ...PLACE, after, entries: [UNDONE] });
    const head = await journal.write({ ...PLACE, run: OTHER_RUN, after, entries: [UNDONE] });
    assert.deepEqual([head.run, head.line], [OTHER_RUN, 2]);
  });

  it('notes what the trust file came to be, once each, whoever sees it first', async () => {
    const { trust } = signersOf({ ada: ['data-science'] });
    const state: { trust: Trust } = { trust };
    const source = { read: () => Promise.resolve(state.trust) };
    const [one, other] = [1, 2].map(() => new JournalFiles(store, { trust: source }));
    const write = (journal: JournalFiles | undefined, run: string) =>
      journal?.write({ ...PLACE, run, after: null, entries: [STARTED] });
    await Promise.all([write(one, RUN), write(other, OTHER_RUN)]);
    assert.equal((await store.list('trust/')).objects.length, 1);
    state.trust = emptyTrust('production');
    await write(one, '0195d1a0-0000-7000-8000-000000000003');
    await write(other, '0195d1a0-0000-7000-8000-000000000004');
    assert.equal((await store.list('trust/')).objects.length, 2);
    const [first, second] = await Promise.all([1, 2].map((line) => bytesAt(trustKey(line))));
    const text = new TextDecoder().decode(second);
    assert.ok(text.includes(digestOfBytes(first ?? new Uint8Array())), text);
    const lines = await readJournals(store, MODEL);
    assert.equal(new Set(lines.map((line) => line.trust)).size, 2);
  });

  it('has heads: the newest line of each run that wrote since, the oldest first', async () => {
    const journal = new JournalFiles(store);
    const head = await journal.write({ ...PLACE, after: null, entries: [STARTED, UNDONE] });
    const { journals, journalsUntil } = await journalHeads(store, MODEL, null);
    assert.deepEqual(journals, [head]);
    assert.deepEqual((await journalHeads(store, MODEL, journalsUntil)).journals, [head]);
    const later = new Date(Date.now() + 60_000).toISOString();
    const none = { journals: [], journalsUntil: later };
    assert.deepEqual(await journalHeads(store, MODEL, later), none);
  });

  it('leaves no run out where more wrote than one state has room for', async () => {
    const journal = new JournalFiles(store);
    const runs = Array.from({ length: HEADS_REMEMBERED + 5 }, () => randomUUID());
    for (const run of runs) await journal.write({ ...PLACE, run, after: null, entries: [STARTED] });
    const first = await journalHeads(store, MODEL, null);
    assert.equal(first.journals.length, HEADS_REMEMBERED);
    const second = await journalHeads(store, MODEL, first.journalsUntil);
    const seen = new Set([...first.journals, ...second.journals].map(({ run }) => run));
    assert.deepEqual(seen, new Set(runs));
  });
});
