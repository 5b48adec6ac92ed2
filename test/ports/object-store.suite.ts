import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { probeConditionalWrites } from '../../adapters/object-store/probe-conditional-writes.js';
import { isPortError } from '../../domain/failures.js';
import type { ObjectStore, WriteResult } from '../../domain/ports/object-store.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (given: Uint8Array) => new TextDecoder().decode(given);
const sha256 = (given: Uint8Array) => createHash('sha256').update(given).digest('hex');

function etagOf(result: WriteResult): string {
  assert.equal(result.kind, 'written');
  return result.etag;
}

/** What every `ObjectStore` does, on a store that others may use at the same time. */
export function objectStoreSuite(title: string, open: () => Promise<ObjectStore>): void {
  describe(`${title} as an ObjectStore`, () => {
    let store: ObjectStore;
    let folder = '';
    let at = '';
    before(async () => {
      store = await open();
      folder = await mkdtemp(path.join(tmpdir(), 'switchyard-store-'));
    });
    after(() => rm(folder, { recursive: true, force: true }));
    beforeEach(() => (at = `suite/${randomUUID()}`));

    describe('get', () => {
      it('answers null where there is no object', async () => {
        assert.equal(await store.get(`${at}/none`), null);
      });

      it('answers the bytes and the ETag of the last write', async () => {
        await store.put(`${at}/key`, bytes('old'), 'none');
        const etag = etagOf(await store.put(`${at}/key`, bytes('new'), 'none'));

        const stored = await store.get(`${at}/key`);

        assert.ok(stored);
        assert.equal(text(stored.bytes), 'new');
        assert.equal(stored.etag, etag);
      });

      it('gives back every byte value and an empty object', async () => {
        const all = Uint8Array.from({ length: 256 }, (_, value) => value);
        await store.put(`${at}/all`, all, 'none');
        await store.put(`${at}/empty`, new Uint8Array(), 'none');

        assert.deepEqual((await store.get(`${at}/all`))?.bytes, all);
        assert.deepEqual((await store.get(`${at}/empty`))?.bytes, new Uint8Array());
      });

      it('keeps what was written when the caller changes its buffer later', async () => {
        const buffer = bytes('before');
        await store.put(`${at}/key`, buffer, 'none');
        buffer.fill(0);

        assert.equal(text((await store.get(`${at}/key`))?.bytes ?? buffer), 'before');
      });
    });

    describe('getIfChanged', () => {
      it('answers unchanged while the object has that ETag, and the new one after', async () => {
        const etag = etagOf(await store.put(`${at}/key`, bytes('one'), 'none'));
        assert.equal(await store.getIfChanged(`${at}/key`, etag), 'unchanged');

        await store.put(`${at}/key`, bytes('two'), 'none');

        const stored = await store.getIfChanged(`${at}/key`, etag);
        assert.ok(stored !== null && stored !== 'unchanged');
        assert.equal(text(stored.bytes), 'two');
      });

      it('answers the object where no ETag is known, and null where there is none', async () => {
        await store.put(`${at}/key`, bytes('one'), 'none');

        const stored = await store.getIfChanged(`${at}/key`, null);

        assert.ok(stored !== null && stored !== 'unchanged');
        assert.equal(await store.getIfChanged(`${at}/none`, null), null);
        assert.equal(await store.getIfChanged(`${at}/none`, stored.etag), null);
      });
    });

    describe('getRange', () => {
      it('gives the bytes from one up to another, and at most those that there are', async () => {
        await store.put(`${at}/ranged`, Buffer.from('0123456789'), 'none');
        const range = async (from: number, until: number) =>
          Buffer.from((await store.getRange(`${at}/ranged`, from, until)) ?? []).toString();
        assert.deepEqual(
          [await range(0, 1), await range(2, 5), await range(7, 10), await range(8, 99)],
          ['0', '234', '789', '89'],
        );
      });

      it('is null of a key that is not there, and refuses a range that an object does not have', async () => {
        assert.equal(await store.getRange(`${at}/none`, 0, 5), null);
        await store.put(`${at}/short`, Buffer.from('012'), 'none');
        await assert.rejects(
          store.getRange(`${at}/short`, 3, 5),
          (error) => isPortError(error) && error.type === 'StoreRefused',
        );
      });
    });

    describe('put', () => {
      it('creates an absent key once', async () => {
        const first = await store.put(`${at}/key`, bytes('first'), 'absent');
        const second = await store.put(`${at}/key`, bytes('second'), 'absent');

        assert.equal(first.kind, 'written');
        assert.deepEqual(second, { kind: 'conflict' });
        assert.equal(text((await store.get(`${at}/key`))?.bytes ?? bytes('')), 'first');
      });

      it('refuses to create a key again even with the same bytes', async () => {
        await store.put(`${at}/key`, bytes('same'), 'absent');

        assert.equal((await store.put(`${at}/key`, bytes('same'), 'absent')).kind, 'conflict');
      });

      it('replaces exactly the object with the given ETag', async () => {
        const one = etagOf(await store.put(`${at}/key`, bytes('one'), 'none'));
        const two = etagOf(await store.put(`${at}/key`, bytes('two'), { etag: one }));

        assert.notEqual(one, two);
        assert.deepEqual(await store.put(`${at}/key`, bytes('three'), { etag: one }), {
          kind: 'conflict',
        });
        assert.equal((await store.get(`${at}/key`))?.etag, two);
      });

      it('answers conflict for an ETag where the key is gone', async () => {
        const etag = etagOf(await store.put(`${at}/key`, bytes('one'), 'none'));
        await store.delete(`${at}/key`);

        assert.equal((await store.put(`${at}/key`, bytes('two'), { etag })).kind, 'conflict');
        assert.equal(await store.get(`${at}/key`), null);
      });

      it('creates a deleted key again', async () => {
        await store.put(`${at}/key`, bytes('one'), 'absent');
        await store.delete(`${at}/key`);

        assert.equal((await store.put(`${at}/key`, bytes('two'), 'absent')).kind, 'written');
      });

      it('gives the same ETag to the same bytes, so content must make writes unique', async () => {
        const one = etagOf(await store.put(`${at}/key`, bytes('a'), 'none'));
        await store.put(`${at}/key`, bytes('b'), 'none');
        const again = etagOf(await store.put(`${at}/key`, bytes('a'), 'none'));

        assert.equal(again, one);
        assert.equal((await store.put(`${at}/key`, bytes('c'), { etag: one })).kind, 'written');
      });

      it('lets exactly one of 6 writers create a key, and one replace it', async () => {
        const writers = Array.from({ length: 6 }, (_, index) => bytes(`writer ${index}`));
        const created = await Promise.all(
          writers.map((body) => store.put(`${at}/key`, body, 'absent')),
        );
        const [etag = '', ...others] = created.flatMap((result) =>
          result.kind === 'written' ? [result.etag] : [],
        );
        assert.deepEqual(others, []);

        const replaced = await Promise.all(
          writers.map((_, index) => store.put(`${at}/key`, bytes(`next ${index}`), { etag })),
        );

        assert.equal(replaced.filter(({ kind }) => kind === 'written').length, 1);
      });
    });

    describe('putFile and getFile', () => {
      for (const [name, size] of [
        ['an empty file', 0],
        ['a small file', 1000],
        ['a file of exactly one part', 16 * 1024 * 1024],
        ['a file of several parts', 40 * 1024 * 1024 + 7],
      ] as const) {
        it(`carry ${name}`, async () => {
          const content = randomBytes(size);
          const expected = { sha256: sha256(content), bytes: size };
          await writeFile(`${folder}/up`, content);

          assert.deepEqual(await store.putFile(`${at}/file`, `${folder}/up`), expected);
          assert.deepEqual(await store.getFile(`${at}/file`, `${folder}/down`), expected);

          assert.ok(content.equals(await readFile(`${folder}/down`)));
          const { objects } = await store.list(at);
          assert.deepEqual(
            objects.map((object) => object.bytes),
            [size],
          );
        });
      }

      it('replace what is there, on both sides', async () => {
        await writeFile(`${folder}/up`, 'first');
        await store.putFile(`${at}/file`, `${folder}/up`);
        await writeFile(`${folder}/up`, 'second');
        await store.putFile(`${at}/file`, `${folder}/up`);
        await writeFile(`${folder}/down`, 'something longer than that');

        await store.getFile(`${at}/file`, `${folder}/down`);

        assert.equal(await readFile(`${folder}/down`, 'utf8'), 'second');
      });

      it('answer null where there is no object, and leave the local file alone', async () => {
        await writeFile(`${folder}/kept`, 'kept');

        assert.equal(await store.getFile(`${at}/none`, `${folder}/kept`), null);
        assert.equal(await readFile(`${folder}/kept`, 'utf8'), 'kept');
      });

      it('leave no half files beside the local one', async () => {
        await store.put(`${at}/file`, bytes('whole'), 'none');
        await store.getFile(`${at}/file`, `${folder}/whole`);
        await store.getFile(`${at}/none`, `${folder}/nothing`);

        const names = await readdir(folder);
        assert.deepEqual(
          names.filter((name) => /^(whole|nothing)/.test(name)),
          ['whole'],
        );
      });

      it('pass on that a local file is missing', async () => {
        await assert.rejects(store.putFile(`${at}/file`, `${folder}/missing`), { code: 'ENOENT' });
      });
    });

    describe('copy', () => {
      it('makes an equal object, whatever is in the key', async () => {
        const odd = `${at}/a b+c%d=é'(1).json`;
        await store.put(odd, bytes('copied'), 'none');

        await store.copy(odd, `${at}/copy`);

        assert.equal(text((await store.get(`${at}/copy`))?.bytes ?? bytes('')), 'copied');
      });

      it('is refused where the source is missing', async () => {
        await assert.rejects(
          store.copy(`${at}/none`, `${at}/copy`),
          (error) => isPortError(error) && error.type === 'StoreRefused',
        );
        assert.equal(await store.get(`${at}/copy`), null);
      });
    });

    describe('list', () => {
      it('answers keys under the prefix in key order, with sizes', async () => {
        for (const name of ['b', 'a/2', 'a-1', 'a/10', 'B', 'a.b']) {
          await store.put(`${at}/in/${name}`, bytes(name), 'none');
        }
        await store.put(`${at}/out/x`, bytes('x'), 'none');

        const { objects } = await store.list(`${at}/in/`);

        assert.deepEqual(
          objects.map(({ key, bytes: size }) => [key.slice(`${at}/in/`.length), size]),
          [
            ...[
              ['B', 1],
              ['a-1', 3],
              ['a.b', 3],
            ],
            ...[
              ['a/10', 4],
              ['a/2', 3],
              ['b', 1],
            ],
          ],
        );
      });

      it('takes a prefix that ends inside a name', async () => {
        await store.put(`${at}/tickets`, bytes('1'), 'none');
        await store.put(`${at}/tickets-eu`, bytes('2'), 'none');
        await store.put(`${at}/news`, bytes('3'), 'none');

        const { objects } = await store.list(`${at}/tick`);

        assert.deepEqual(
          objects.map(({ key }) => key),
          [`${at}/tickets`, `${at}/tickets-eu`],
        );
      });

      it('tells the time by the store, also where there is nothing', async () => {
        await store.put(`${at}/key`, bytes('x'), 'none');
        const full = await store.list(at);
        const empty = await store.list(`${at}/none`);

        assert.deepEqual(empty.objects, []);
        assert.ok(Math.abs(empty.now.getTime() - Date.now()) < 60_000);
        for (const { modifiedAt } of full.objects) {
          // S3 tells whole seconds.
          assert.ok(Math.abs(full.now.getTime() - modifiedAt.getTime()) < 10_000);
        }
      });

      it('answers more than one page', async () => {
        const names = Array.from({ length: 1050 }, (_, index) => `${at}/${1000 + index}`);
        for (let start = 0; start < names.length; start += 50) {
          await Promise.all(
            names.slice(start, start + 50).map((key) => store.put(key, bytes('x'), 'none')),
          );
        }

        const { objects } = await store.list(`${at}/`);

        assert.deepEqual(
          objects.map(({ key }) => key),
          names,
        );
      });
    });

    describe('delete', () => {
      it('removes an object, and does not mind that there is none', async () => {
        await store.put(`${at}/key`, bytes('x'), 'none');

        await store.delete(`${at}/key`);
        await store.delete(`${at}/key`);

        assert.equal(await store.get(`${at}/key`), null);
        assert.deepEqual((await store.list(at)).objects, []);
      });
    });

    it('passes the probe of conditional writes, which leaves nothing behind', async () => {
      await probeConditionalWrites(store, { writers: 4 });

      assert.deepEqual((await store.list('probes/')).objects, []);
    });
  });
}
