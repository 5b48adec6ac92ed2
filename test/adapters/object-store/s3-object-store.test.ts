import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { S3ObjectStore } from '../../../adapters/object-store/s3-object-store.js';
import { isPortError, type FailureType } from '../../../domain/failures.js';
import { freePort } from '../../../scripts/servers/free-ports.js';
import { objectStoreSuite } from '../../ports/object-store.suite.js';
import { testServers } from '../../../testing/servers.js';
import { startTcpProxy, type TcpProxy } from '../../chaos/tcp-proxy.js';

objectStoreSuite('S3ObjectStore', async () => {
  const { s3 } = await testServers();
  return new S3ObjectStore({ ...s3, credentials: s3 });
});

const bytes = (text: string) => new TextEncoder().encode(text);

function failsAs(type: FailureType, message: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(isPortError(error), String(error));
    assert.equal(error.type, type, error.message);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n/, 'one line');
    return true;
  };
}

/** A server that answers as it is told, and the store that takes it for S3. */
async function aFalseStore(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  options: { silenceMs?: number } = {},
): Promise<AsyncDisposable & { store: S3ObjectStore; server: Server; endpoint: string }> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const server = createServer((request, response) => {
    request.resume();
    answer(request, response);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const store = new S3ObjectStore({
    ...{ endpoint, region: 'us-east-1', bucket: 'any', ...options },
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
  });
  const close = async () => {
    store.close();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { store, server, endpoint, [Symbol.asyncDispose]: close };
}

/** The real store behind a proxy that can spoil what passes. */
async function aSpoiledStore(): Promise<
  AsyncDisposable & { store: S3ObjectStore; proxy: TcpProxy }
> {
  const { s3 } = await testServers();
  const proxy = await startTcpProxy(Number(new URL(s3.endpoint).port));
  const store = new S3ObjectStore({ ...s3, endpoint: proxy.url, credentials: s3 });
  const close = async () => {
    store.close();
    await proxy[Symbol.asyncDispose]();
  };
  return { store, proxy, [Symbol.asyncDispose]: close };
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`);
}

describe('S3ObjectStore', () => {
  it('calls a store unreachable where nobody listens, naming the endpoint', async () => {
    const { s3 } = await testServers();
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    const store = new S3ObjectStore({ ...s3, credentials: s3, endpoint });

    for (const call of [
      () => store.get('key'),
      () => store.getIfChanged('key', '"1"'),
      () => store.put('key', bytes('x'), 'absent'),
      () => store.copy('key', 'other'),
      () => store.list('prefix'),
      () => store.delete('key'),
    ]) {
      await assert.rejects(call, (error) => {
        assert.ok(isPortError(error));
        assert.equal(error.kind, 'retryable');
        return failsAs(
          'StoreUnreachable',
          /127\.0\.0\.1:\d+ cannot be reached .*ECONNREFUSED/,
        )(error);
      });
    }
  });

  it('calls a store unreachable that accepts and stays silent', async () => {
    await using silent = await aFalseStore(() => undefined, { silenceMs: 100 });

    await assert.rejects(
      silent.store.get('key'),
      failsAs('StoreUnreachable', /cannot be reached .*TimeoutError/),
    );
  });

  it('calls a store unreachable that answers 503 to every attempt', async () => {
    let requests = 0;
    await using busy = await aFalseStore((_, response) => {
      requests += 1;
      refuse(response, 503, 'SlowDown');
    });

    await assert.rejects(
      busy.store.put('key', bytes('x'), 'none'),
      failsAs('StoreUnreachable', /did not manage PutObject of key .*SlowDown \(HTTP 503\)/),
    );
    assert.equal(requests, 3);
  });

  it('is refused with a wrong secret and with an unknown key', async () => {
    const { s3 } = await testServers();
    for (const wrong of [{ secretAccessKey: 'wrong' }, { accessKeyId: 'WRONG' }]) {
      const store = new S3ObjectStore({ ...s3, credentials: { ...s3, ...wrong } });

      await assert.rejects(
        store.get('key'),
        failsAs('StoreRefused', /HTTP 403.*check the credentials/),
      );
    }
  });

  it('is refused where the bucket is missing, for reads and writes', async () => {
    const { s3 } = await testServers();
    const store = new S3ObjectStore({ ...s3, credentials: s3, bucket: 'nobody-made-it' });
    const refused = failsAs('StoreRefused', /NoSuchBucket.*make the bucket nobody-made-it/);

    await assert.rejects(store.get('key'), refused);
    await assert.rejects(store.put('key', bytes('x'), 'absent'), refused);
    await assert.rejects(store.list(''), refused);
  });

  it('is refused by a server that is not S3', async () => {
    await using page = await aFalseStore((_, response) => {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<html>Not here</html>');
    });

    await assert.rejects(page.store.get('key'), failsAs('StoreRefused', /HTTP 404/));
  });

  it('waits while another write is under way, and writes then', async () => {
    let requests = 0;
    await using busy = await aFalseStore((_, response) => {
      requests += 1;
      if (requests < 3) refuse(response, 409, 'ConditionalRequestConflict');
      else response.writeHead(200, { etag: '"1"' }).end();
    });

    const result = await busy.store.put('key', bytes('x'), 'absent');

    assert.deepEqual(result, { kind: 'written', etag: '"1"' });
  });

  it('answers conflict when the other write never ends', async () => {
    await using busy = await aFalseStore((_, response) => {
      refuse(response, 409, 'ConditionalRequestConflict');
    });

    assert.deepEqual(await busy.store.put('key', bytes('x'), 'absent'), { kind: 'conflict' });
  });

  it('does not take a write without condition for done when the other write never ends', async () => {
    await using busy = await aFalseStore((_, response) => {
      refuse(response, 409, 'ConditionalRequestConflict');
    });

    const isBusy = failsAs('StoreUnreachable', /PutObject of key.*HTTP 409/);
    await assert.rejects(busy.store.put('key', bytes('x'), 'none'), isBusy);
  });

  it('may be asked again after an answer with a wrong clock, which the SDK follows', async () => {
    await using skewed = await aFalseStore((_, response) => {
      refuse(response, 403, 'RequestTimeTooSkewed');
    });

    await assert.rejects(skewed.store.get('key'), failsAs('StoreUnreachable', /TooSkewed/));
  });

  it('may be asked again where the server could not read the request', async () => {
    await using garbled = await aFalseStore((_, response) => {
      response.writeHead(400, { 'content-type': 'text/plain' }).end('400 Bad Request');
    });

    await assert.rejects(garbled.store.get('key'), failsAs('StoreUnreachable', /HTTP 400/));
  });

  describe('when bytes are turned on the way', () => {
    it('does not let the store keep them', async () => {
      await using spoiled = await aSpoiledStore();
      await spoiled.proxy.spoil({ kind: 'flip', side: 'request', at: 0.5 });

      const put = spoiled.store.put('turned/put', bytes('a text'), 'absent');
      await assert.rejects(put, failsAs('StoreUnreachable', /BadDigest/));

      await spoiled.proxy.pass();
      assert.equal(await spoiled.store.get('turned/put'), null);
    });

    it('does not let the store keep a part of a large file', async () => {
      await using spoiled = await aSpoiledStore();
      const folder = await mkdtemp(path.join(tmpdir(), 'switchyard-parts-'));
      await writeFile(`${folder}/large`, Buffer.alloc(17 * 1024 * 1024));
      await spoiled.proxy.spoil(
        { kind: 'flip', side: 'request', at: 0.5 },
        { on: ({ second }) => second.includes('partNumber=2') },
      );

      const put = spoiled.store.putFile('turned/large', `${folder}/large`);
      await assert.rejects(put, failsAs('StoreUnreachable', /UploadPart.*BadDigest/));

      await rm(folder, { recursive: true });
    });

    it('reads them again, and says so when they never come as they are stored', async () => {
      await using spoiled = await aSpoiledStore();
      await spoiled.store.put('turned/get', bytes('a text'), 'none');
      const flip = { kind: 'flip', side: 'answer', at: 0.5 } as const;

      await spoiled.proxy.spoil(flip, { times: 2 });
      const stored = await spoiled.store.get('turned/get');
      assert.deepEqual(stored?.bytes, bytes('a text'));

      await spoiled.proxy.spoil(flip);
      const turned = failsAs('StoreUnreachable', /other bytes arrived than it holds/);
      await assert.rejects(spoiled.store.get('turned/get'), turned);
    });
  });

  it('answers conflict to an ETag where Amazon says that the key is gone', async () => {
    await using amazon = await aFalseStore((_, response) => refuse(response, 404, 'NoSuchKey'));

    const result = await amazon.store.put('key', bytes('x'), { etag: '"1"' });

    assert.deepEqual(result, { kind: 'conflict' });
  });

  describe('when a body breaks off', () => {
    const breaking = (whole: number) => {
      let requests = 0;
      return (_: IncomingMessage, response: ServerResponse) => {
        requests += 1;
        response.writeHead(200, { 'content-length': '5', etag: '"1"' });
        if (requests >= whole) response.end('whole');
        else response.write('wh', () => response.destroy());
      };
    };
    let folder = '';
    before(async () => (folder = await mkdtemp(path.join(tmpdir(), 'switchyard-broken-'))));
    after(() => rm(folder, { recursive: true, force: true }));

    it('reads again', async () => {
      await using flaky = await aFalseStore(breaking(3));

      assert.deepEqual((await flaky.store.get('key'))?.bytes, bytes('whole'));
    });

    it('gives up as unreachable, and leaves no half file', async () => {
      await using broken = await aFalseStore(breaking(Infinity));

      await assert.rejects(
        broken.store.getFile('key', `${folder}/file`),
        failsAs('StoreUnreachable', /cannot be reached for GetObject of key/),
      );
      assert.deepEqual(await readdir(folder), []);
    });

    it('gives up as unreachable when it stays silent in the middle', async () => {
      await using stuck = await aFalseStore(
        (_, response) => {
          response.writeHead(200, { 'content-length': '5', etag: '"1"' });
          response.write('wh');
        },
        { silenceMs: 100 },
      );

      await assert.rejects(stuck.store.get('key'), failsAs('StoreUnreachable', /GetObject of key/));
    });
  });

  it('takes back an upload of which a part fails', async () => {
    const seen: string[] = [];
    await using failing = await aFalseStore((request, response) => {
      const { method = '', url = '' } = request;
      seen.push(method);
      if (method === 'POST') {
        response.writeHead(200, { 'content-type': 'application/xml' });
        response.end(
          '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>',
        );
      } else if (url.includes('partNumber=1')) response.writeHead(200, { etag: '"1"' }).end();
      else if (method === 'PUT') refuse(response, 403, 'AccessDenied');
      else response.writeHead(204).end();
    });
    const folder = await mkdtemp(path.join(tmpdir(), 'switchyard-parts-'));
    await writeFile(`${folder}/large`, Buffer.alloc(33 * 1024 * 1024));

    await assert.rejects(
      failing.store.putFile('key', `${folder}/large`),
      failsAs('StoreRefused', /UploadPart of key.*AccessDenied/),
    );

    assert.equal(seen.at(-1), 'DELETE');
    await rm(folder, { recursive: true });
  });

  it('tells of every call', async () => {
    const { s3 } = await testServers();
    const calls: string[] = [];
    const store = new S3ObjectStore({
      ...{ ...s3, credentials: s3 },
      onCall: (operation, key) => calls.push(`${operation} ${key}`),
    });

    await store.put('calls/key', bytes('x'), 'none');
    await store.get('calls/key');
    await store.list('calls/');
    await store.delete('calls/key');

    assert.deepEqual(calls, [
      ...['PutObject calls/key', 'GetObject calls/key'],
      ...['ListObjectsV2 calls/', 'DeleteObject calls/key'],
    ]);
  });
});
