import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { readWorkerEnvironment } from '../../workers/environment.js';
import { failure } from '../adapters/registry/builders.js';

describe('readWorkerEnvironment', () => {
  it('needs a bucket only', () => {
    assert.deepEqual(readWorkerEnvironment({ SWITCHYARD_BUCKET: 'models' }), {
      taskQueue: 'switchyard',
      config: resolve('switchyard.config.ts'),
      workDir: resolve('.switchyard/work'),
      bucket: 'models',
      endpoint: undefined,
      region: 'us-east-1',
      logLevel: 'info',
      metricsPort: undefined,
      metricsHost: '127.0.0.1',
      shutdownGraceMs: 10_000,
      failpoints: [],
      build: undefined,
      trustFile: undefined,
      witnessKey: undefined,
    });
  });

  it('puts a build under the deployment of its task queue, or under the one that is named', () => {
    const given = { SWITCHYARD_BUCKET: 'models', SWITCHYARD_BUILD: '2026-03-01.2' };
    const build = { buildId: '2026-03-01.2', deploymentName: 'switchyard' };
    assert.deepEqual(readWorkerEnvironment(given).build, build);
    const named = readWorkerEnvironment({ ...given, SWITCHYARD_DEPLOYMENT: 'yard' });
    assert.deepEqual(named.build, { ...build, deploymentName: 'yard' });
    assert.throws(
      () => readWorkerEnvironment({ ...given, SWITCHYARD_BUILD: '' }),
      failure('SetUpMissing', /SWITCHYARD_BUILD: a build is 1 to 100 of/),
    );
  });

  it('takes every variable', () => {
    const read = readWorkerEnvironment({
      SWITCHYARD_TASK_QUEUE: 'blue',
      SWITCHYARD_CONFIG: '/project/switchyard.config.ts',
      SWITCHYARD_WORK_DIR: '/scratch',
      SWITCHYARD_BUCKET: 'models',
      S3_ENDPOINT: 'http://127.0.0.1:9000',
      AWS_REGION: 'eu-west-1',
      SWITCHYARD_LOG_LEVEL: 'debug',
      SWITCHYARD_METRICS_PORT: '0',
      SWITCHYARD_METRICS_HOST: '0.0.0.0',
      SWITCHYARD_SHUTDOWN_GRACE: '30 seconds',
      PATH: '/bin',
    });
    assert.deepEqual(read, {
      taskQueue: 'blue',
      config: '/project/switchyard.config.ts',
      workDir: '/scratch',
      bucket: 'models',
      endpoint: 'http://127.0.0.1:9000',
      region: 'eu-west-1',
      logLevel: 'debug',
      metricsPort: 0,
      metricsHost: '0.0.0.0',
      shutdownGraceMs: 30_000,
      failpoints: [],
      build: undefined,
      trustFile: undefined,
      witnessKey: undefined,
    });
  });

  it('names every variable that is missing or wrong in one sentence', () => {
    assert.throws(
      () => readWorkerEnvironment({ SWITCHYARD_TASK_QUEUE: 'Blue Queue', S3_ENDPOINT: 'here' }),
      failure(
        'SetUpMissing',
        /^the worker's environment is wrong: SWITCHYARD_BUCKET: .*S3_ENDPOINT: .*SWITCHYARD_TASK_QUEUE: /,
      ),
    );
  });
});
