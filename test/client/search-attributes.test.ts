import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { registerSearchAttributes, searchAttributeTypes } from '../../client/search-attributes.js';
import { failure } from '../adapters/registry/builders.js';
import { testServers } from '../../testing/servers.js';
import { until } from '../../testing/until.js';

const INT = 3;
const numbered = (name: string, type: number): Record<string, number> => ({ [name]: type });

/** As gRPC says it. */
function denied(): Promise<never> {
  const error = Object.assign(new Error('denied'), { code: 7, details: 'denied', metadata: {} });
  return Promise.reject(error);
}

/** The same server, whose attributes one may neither list nor create. */
function withoutRights({ connection, options: { namespace } }: Client): Client {
  const operatorService = { listSearchAttributes: denied, addSearchAttributes: denied };
  const limited = new Proxy(connection, {
    get: (target, key): unknown =>
      key === 'operatorService' ? operatorService : Reflect.get(target, key),
  });
  return new Client({ connection: limited, namespace });
}

describe('registerSearchAttributes', () => {
  let connection: Connection;

  before(async () => {
    const { temporal } = await testServers();
    connection = await Connection.connect({ address: temporal.address });
  });
  after(() => connection.close());

  /** A client of a namespace of its own, which has no search attributes. */
  async function aNamespace(): Promise<Client> {
    const namespace = `attributes-${randomUUID().slice(0, 8)}`;
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs('1 day'),
    });
    const client = new Client({ connection, namespace });
    await until('the namespace is there', () =>
      client.workflow.count().then(
        () => true,
        () => undefined,
      ),
    );
    return client;
  }

  const registered = async ({ options: { namespace } }: Client) =>
    (await connection.operatorService.listSearchAttributes({ namespace })).customAttributes;

  it('registers what is missing, and nothing where nothing is', async () => {
    const client = await aNamespace();
    await connection.operatorService.addSearchAttributes({
      namespace: client.options.namespace,
      searchAttributes: numbered('ModelName', 2),
    });
    await registerSearchAttributes(client);
    await registerSearchAttributes(client);
    const attributes = await registered(client);
    for (const [name, type] of Object.entries(searchAttributeTypes())) {
      assert.equal(attributes[name], type, name);
    }
    assert.equal((await client.workflow.count('WaitingFor = "engineering"')).count, 0);
  });

  it('refuses an attribute that has another type', async () => {
    const client = await aNamespace();
    const { namespace } = client.options;
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: numbered('Stage', INT),
    });
    await assert.rejects(
      registerSearchAttributes(client),
      failure(
        'SetUpMissing',
        /^the search attribute Stage .* is not of the type Keyword: .*remove/,
      ),
    );
  });

  it('says what to type where only operators may register', async () => {
    const client = await aNamespace();
    const { namespace } = client.options;
    const mayNot = withoutRights(client);
    await assert.rejects(
      registerSearchAttributes(mayNot),
      failure(
        'SetUpMissing',
        new RegExp(
          `temporal operator search-attribute create --namespace ${namespace} ` +
            '--name ModelName --type Keyword --name Stage --type Keyword ' +
            '--name WaitingFor --type KeywordList --name Verdict --type Keyword$',
        ),
      ),
    );
    await registerSearchAttributes(client);
    await registerSearchAttributes(mayNot); // they are there: it searches by them
  });
});
