import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import { evidenceKey, evidenceTombstoneKey } from '../../../adapters/registry/keys.js';
import { evidenceSchema } from '../../../domain/evidence.js';
import { soundBucket } from '../../adapters/registry/audit/sound-bucket.js';
import { aFolder } from '../../adapters/registry/builders.js';
import { ownBucket } from '../../support/own-bucket.js';
import { typeCommand } from '../../support/typed-command.js';

const MODEL = 'tickets';

const answerSchema = z.looseObject({
  ...{ file: z.string(), stored: z.string(), verdict: z.string(), bytes: z.number() },
  ...{ evidence: z.string(), isShown: z.boolean() },
});

/** A bucket of which version 2 is live, and commands that are typed to it; `xdg-open` notes what it is to open. */
async function aPlace() {
  const folder = await aFolder();
  const { store, environment } = await ownBucket();
  await soundBucket(store, MODEL);
  const registry = new ObjectRegistry(store);
  const programs = join(folder.path, 'programs');
  const opened = join(folder.path, 'opened.txt');
  await mkdir(programs);
  const opener = join(programs, 'xdg-open');
  await writeFile(opener, `#!/bin/sh\nprintf %s "$1" > '${opened}'\n`);
  await chmod(opener, 0o755);
  const path = `${programs}${delimiter}${process.env['PATH'] ?? ''}`;
  return {
    ...{ store, registry, opener, folder: folder.path },
    opened: () => readFile(opened, 'utf8').catch(() => null),
    type: (...args: readonly string[]) =>
      typeCommand(['report', ...args], {
        folder: folder.path,
        environment: { ...environment, PATH: path },
      }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe('switchyard report', function () {
  this.timeout(60_000);

  it('writes the page with the decisions to a file, and opens it in the browser', async () => {
    await using place = await aPlace();
    const { code, stdout, stderr } = await place.type(MODEL, '2');
    assert.equal(code, 0, stderr);
    const file = join(place.folder, '.switchyard', 'reports', 'tickets-2.html');
    assert.equal(stdout.split('\n')[0], file);
    assert.match(stdout, /\ntickets version 2: passed; [\d.]+ KB, by evidence [0-9a-f]{12}\n/);
    assert.match(
      stdout,
      /\nstored as models\/tickets\/evidence\/[0-9a-f]{64}\/[0-9a-f]{64}\.html\n/,
    );
    assert.equal(await place.opened(), pathToFileURL(file).href);
    const page = await readFile(file, 'utf8');
    assert.match(page, /<h1>tickets version 2: <span class="mark passed">/);
    assert.match(page, /Who decided what on this evidence[^]*<bdi>ada<\/bdi>[^]*reads well/);
  });

  it('writes where it is told and opens nothing, and says all of it as one JSON object', async () => {
    await using place = await aPlace();
    const out = join(place.folder, 'pages', 'two.html');
    const quiet = await place.type(MODEL, '2', '--out', out, '--no-open');
    assert.equal(quiet.stdout.split('\n')[0], out);
    const { code, stdout } = await place.type(MODEL, '2', '--json', '--out', 'two.html');
    assert.equal(code, 0);
    const answer = answerSchema.parse(JSON.parse(stdout));
    assert.equal(answer.file, join(place.folder, 'two.html'));
    assert.deepEqual([answer.verdict, answer.isShown], ['passed', false]);
    assert.deepEqual(await readFile(answer.file), await readFile(out), 'the same bytes again');
    assert.equal(answer.bytes, (await readFile(out)).byteLength);
    assert.ok(await place.store.get(answer.stored));
    assert.equal(await place.opened(), null);
    const named = await place.type(
      MODEL,
      '2',
      '--evidence',
      answer.evidence.slice(0, 12),
      '--json',
    );
    assert.equal(named.code, 0, named.stderr);

    await chmod(place.opener, 0o644);
    await writeFile(place.opener, '');
    const nowhere = await place.type(MODEL, '2', '--out', out);
    assert.equal(nowhere.code, 0);
    assert.match(nowhere.stdout, /\nno browser opens here: open the file yourself\n/);
  });

  it('says in one sentence what is not there, and what to type', async () => {
    await using place = await aPlace();
    const { store, registry, type } = place;
    const says = async (sentence: RegExp, ...args: readonly string[]) => {
      const { code, stdout, stderr } = await type(...args);
      assert.deepEqual([code, stdout], [1, ''], args.join(' '));
      assert.match(stderr, /^[^\n]+\n$/);
      assert.match(stderr, sentence);
    };
    await says(/no version of "ticket".*type npx switchyard start ticket$/m, 'ticket', '1');
    await says(
      /^tickets has no version 9, versions 1 to 3: type npx switchyard versions tickets$/m,
      MODEL,
      '9',
    );
    await says(
      /^tickets version 3 has no test report: .* type npx switchyard show tickets 3$/m,
      ...[MODEL, '3'],
    );
    await says(
      /^tickets version 2 has no evidence ffff, only [0-9a-f]{12}: type npx switchyard report tickets 2$/m,
      ...[MODEL, '2', '--evidence', 'ffff'],
    );
    const wrong = await type(MODEL, '2', '--evidence', 'x');
    assert.deepEqual([wrong.code, wrong.stdout], [2, '']);

    const { state } = (await registry.live(MODEL)) ?? assert.fail('nothing is live');
    const [served] = state.served;
    assert.ok(served !== undefined);
    const stored = await store.get(evidenceKey(MODEL, served.digest, served.evidence));
    const { testReport } = evidenceSchema.parse(
      JSON.parse(Buffer.from(stored?.bytes ?? []).toString()),
    );
    await store.delete(evidenceKey(MODEL, served.digest, testReport));
    await says(
      /^the test report of tickets version 2 \(.*\) is not there: type npx switchyard verify tickets$/m,
      MODEL,
      '2',
    );
    const stone = {
      ...{ schemaVersion: 1, replacedBy: null, at: '2026-01-01T00:00:00Z', reason: 'on request' },
      ...{ removed: 1, person: 'a'.repeat(64) },
    };
    await store.put(
      evidenceTombstoneKey(MODEL, served.digest, testReport),
      Buffer.from(JSON.stringify(stone)),
      'none',
    );
    await says(
      /was replaced when a person was forgotten, and what replaces it is not there: type npx switchyard verify tickets$/m,
      ...[MODEL, '2'],
    );
  });
});
