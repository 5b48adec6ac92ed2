import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { ownProgram } from '../../adapters/package/package-root.js';
import { until } from '../../testing/until.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { testServers } from '../../testing/servers.js';
import { makeCertificates, startTlsProxy } from './tls-proxy.js';
import { startWorkerProcess } from './worker-process.js';

const NAMESPACE = 'second-cluster';
const RETENTION_MS = 86_400_000;

/** Another namespace of the test server; resolves when it can be used. */
async function addNamespace(connection: Connection): Promise<void> {
  await connection.workflowService.registerNamespace({
    namespace: NAMESPACE,
    workflowExecutionRetentionPeriod: msToTs(RETENTION_MS),
  });
  const client = new Client({ connection, namespace: NAMESPACE });
  await until('the namespace', () =>
    client.workflow.count().then(
      () => true,
      () => undefined,
    ),
  );
}

describe('a worker on another cluster', () => {
  it('takes address, namespace, authority and client certificate of a profile, as the command does', async () => {
    const { temporal } = await testServers();
    await using folder = await temporaryFolder();
    const certificates = await makeCertificates(folder.path);
    await using proxy = await startTlsProxy(temporal.address, certificates);
    const connection = await Connection.connect({ address: temporal.address });
    await addNamespace(connection);
    const file = join(folder.path, 'temporal.toml');
    await writeFile(
      file,
      `[profile.other]
address = "${proxy.address}"
namespace = "${NAMESPACE}"
[profile.other.tls]
server_ca_cert_path = "${certificates.ca}"
client_cert_path = "${certificates.client.cert}"
client_key_path = "${certificates.client.key}"
`,
    );
    const profile = { TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'other' };
    await using worker = await startWorkerProcess({
      ...profile,
      TEMPORAL_ADDRESS: undefined,
      TEMPORAL_NAMESPACE: undefined,
    });
    assert.equal((await worker.logged('polling'))['address'], proxy.address);

    const { binary, args } = ownProgram('scripts/switchyard');
    const starting = promisify(execFile)(binary, [...args, 'start', 'no-such', '--json'], {
      env: { PATH: process.env['PATH'], SWITCHYARD_BUCKET: 'any', ...profile },
    });
    // only a worker of that namespace can know what it has
    await assert.rejects(starting, {
      code: 1,
      stdout: /no model \\"no-such\\".* It has: operated/,
    });
    assert.deepEqual([...proxy.clients], ['client']);
    await connection.close();
  });

  it('says that a profile is not there', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'temporal.toml');
    await writeFile(file, '[profile.one]\naddress = "localhost:7233"\n');
    const { binary, args } = ownProgram('scripts/switchyard');

    const asking = promisify(execFile)(binary, [...args, 'status'], {
      env: { PATH: process.env['PATH'], TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'two' },
    });

    await assert.rejects(asking, {
      code: 1,
      stderr: /^Temporal's configuration .* cannot be read: .*two.*\n$/,
    });
  });
});
