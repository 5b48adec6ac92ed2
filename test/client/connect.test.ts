import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { connectClient } from '../../client/connect.js';
import { Switchyard } from '../../client/switchyard.js';
import type { DecisionInput } from '../../domain/decision.js';
import { freePort } from '../../scripts/servers/free-ports.js';
import { failure } from '../adapters/registry/builders.js';
import { aDecision, aDigest } from '../../testing/builders.js';
import { testServers } from '../../testing/servers.js';

const PATIENCE_MS = 10_000;

async function assertUnreachable(address: string): Promise<void> {
  const startedAt = Date.now();
  await assert.rejects(
    connectClient({ address }),
    failure(
      'TemporalUnreachable',
      new RegExp(
        `^no Temporal server answers at ${address}; start one .* or set TEMPORAL_ADDRESS$`,
      ),
    ),
  );
  const ms = Date.now() - startedAt;
  assert.ok(ms < PATIENCE_MS, `${ms} ms`);
}

describe('connectClient', () => {
  it('says in one sentence that nothing listens', async () => {
    await assertUnreachable(`127.0.0.1:${await freePort()}`);
  });

  it('gives up on a server that accepts and never answers', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    assert.ok(typeof address === 'object' && address !== null);
    try {
      await assertUnreachable(`127.0.0.1:${address.port}`);
    } finally {
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });
});

describe('Switchyard', () => {
  const id = 'lifecycle/tickets/never-started';
  let connected: Awaited<ReturnType<typeof connectClient>>;
  let switchyard: Switchyard;

  before(async () => {
    const { temporal } = await testServers();
    connected = await connectClient(temporal);
    switchyard = new Switchyard({ client: connected.client, taskQueue: 'nobody-polls' });
  });
  after(() => connected.close());

  it('refuses a wrong request before it reaches the server, naming the nearest key', () => {
    const wrong = { model: 'tickets', parametres: {} };
    return assert.rejects(
      switchyard.start(wrong),
      failure(
        'InvalidRequest',
        /^wrong request: it has no key "parametres", did you mean "parameters"\?$/,
      ),
    );
  });

  it('refuses a decision with wrong keys or values by name', () => {
    const wrong: DecisionInput = { ...aDecision(), ...{ by: '', reasons: 'fine' } };
    assert.throws(
      () => switchyard.decide(id, wrong),
      failure('InvalidRequest', /^wrong decision: by: .*"reasons", did you mean "reason"\?/),
    );
    return assert.rejects(
      switchyard.signalDecision(id, wrong),
      failure('InvalidRequest', /^wrong decision: /),
    );
  });

  it('refuses a fallback that names no digest, and a name that is none', () => {
    const order = { leaving: 'the new one', by: 'grace', reason: 'wrong queues' };
    return Promise.all([
      assert.rejects(
        async () => switchyard.fallback('tickets', order),
        failure('InvalidRequest', /^wrong fallback order: leaving: a digest is 64 /),
      ),
      assert.rejects(
        async () => switchyard.fallback('../tickets', { ...order, leaving: aDigest() }),
        failure('InvalidRequest', /^wrong model: /),
      ),
    ]);
  });

  it('refuses a freeze and a thaw that say no reason, naming the nearest key', () => {
    const order = { by: 'grace', ...{ reson: 'wrong queues' } };
    return Promise.all(
      (['freeze', 'thaw'] as const).map((name) =>
        assert.rejects(
          async () => switchyard[name]('tickets', { reason: '', ...order }),
          failure(
            'InvalidRequest',
            new RegExp(`^wrong ${name} order: reason: .*no key "reson", did you mean "reason"`),
          ),
        ),
      ),
    );
  });

  it('says of a workflow that was never started that it is not open', () =>
    Promise.all(
      [
        () => switchyard.status(id),
        () => switchyard.outcome(id),
        () => switchyard.decide(id, aDecision()),
        () => switchyard.signalDecision(id, aDecision()),
        () => switchyard.cancel(id),
      ].map((call) =>
        assert.rejects(
          call,
          failure('InvalidRequest', new RegExp(`^workflow "${id}" is not open: .*never started$`)),
        ),
      ),
    ));

  it('finds the same run when a start with a workflow id is repeated', async () => {
    const given = { workflowId: `lifecycle/tickets/${process.pid}` };
    const first = await switchyard.start({ model: 'tickets' }, given);
    assert.deepEqual(await switchyard.start({ model: 'tickets' }, given), first);
    await connected.client.workflow.getHandle(first.workflowId).terminate();
  });
});
