import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { CommandNotifier } from '../../../adapters/notifier/command-notifier.js';
import { LogNotifier } from '../../../adapters/notifier/log-notifier.js';
import { WebhookNotifier } from '../../../adapters/notifier/webhook-notifier.js';
import { isPortError } from '../../../domain/failures.js';
import type { Notice } from '../../../domain/ports/notifier.js';

const notice: Notice = {
  kind: 'hand-off',
  model: 'tickets',
  workflowId: 'lifecycle/tickets/1',
  roles: ['engineering'],
  text: 'version 1 waits for your decision; "quotes" and $(nothing) stay as they are',
};

const undelivered = (pattern: RegExp) => (error: unknown) =>
  isPortError(error) && error.type === 'NotificationFailed' && pattern.test(error.message);

/** Answers every request with one status, and keeps what it was sent. */
async function startWebhook(status: number, headers: Record<string, string> = {}) {
  const bodies: unknown[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      bodies.push(JSON.parse(body));
      response.writeHead(status, headers).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    bodies,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

describe('CommandNotifier', () => {
  it('gives the notice as JSON on standard input, read by no shell', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'notice-'));
    try {
      const file = join(folder, 'notice.json');
      const copy = 'process.stdin.pipe(require("fs").createWriteStream(process.argv[1]))';
      await new CommandNotifier([process.execPath, '-e', copy, file]).notify(notice);
      assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), notice);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('fails with the exit code of a command that fails', async () => {
    const command = new CommandNotifier([process.execPath, '-e', 'process.exit(3)']);
    await assert.rejects(command.notify(notice), undelivered(/ended with code 3/));
  });

  it('fails by name where the command does not exist', async () => {
    const command = new CommandNotifier(['no-such-program']);
    await assert.rejects(
      command.notify(notice),
      undelivered(/"no-such-program" could not be started/),
    );
  });
});

describe('WebhookNotifier', () => {
  it('posts the notice as JSON', async () => {
    await using webhook = await startWebhook(204);
    await new WebhookNotifier(webhook.url).notify(notice);
    assert.deepEqual(webhook.bodies, [notice]);
  });

  it('fails on an answer that is not 2xx', async () => {
    await using webhook = await startWebhook(500);
    await assert.rejects(
      new WebhookNotifier(webhook.url).notify(notice),
      undelivered(/answered 500/),
    );
  });

  it('follows no redirect', async () => {
    await using other = await startWebhook(204);
    await using webhook = await startWebhook(307, { location: other.url });
    await assert.rejects(
      new WebhookNotifier(webhook.url).notify(notice),
      undelivered(/was not reached/),
    );
    assert.deepEqual(other.bodies, []);
  });

  it('fails where nobody listens', async () => {
    const webhook = new WebhookNotifier('http://127.0.0.1:9/hook');
    await assert.rejects(webhook.notify(notice), undelivered(/127\.0\.0\.1:9 was not reached/));
  });
});

describe('LogNotifier', () => {
  it('writes the notice to the log', async () => {
    const written: Notice[] = [];
    await new LogNotifier((each) => written.push(each)).notify(notice);
    assert.deepEqual(written, [notice]);
  });
});
