import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bringWorkflowBundle } from '../../workers/own-workflows.js';
import { aFolder, failure } from '../adapters/registry/builders.js';

const COMPOSE = fileURLToPath(new URL('../../workflows/compose.ts', import.meta.url));
const OWN = `
import { runLifecycle, endedAs } from ${JSON.stringify(COMPOSE)};
import { WHY } from './why.js';
export function neverLive(request) {
  return runLifecycle(request, async (lifecycle) => endedAs('refused', lifecycle, WHY));
}
`;
const PARTS = { 'workflows.ts': OWN, 'why.ts': `export const WHY = 'by principle';` };

/** A log that counts how often workflows were bundled. */
function aLog() {
  const lines: object[] = [];
  return { lines, info: (fields: object) => void lines.push(fields) };
}

describe('bringWorkflowBundle', () => {
  it('bundles a project’s own workflows beside the ready ones, and says how long it took', async () => {
    await using folder = await aFolder(PARTS);
    const log = aLog();
    const { code } = await bringWorkflowBundle(
      { workflows: 'workflows.ts', root: folder.path },
      log,
    );
    for (const name of ['neverLive', 'modelLifecycle', 'liveModel', 'by principle']) {
      assert.ok(code.includes(name), name);
    }
    const [line] = log.lines;
    assert.match(JSON.stringify(line), /^{"workflows":"workflows.ts","ms":\d+,"bytes":\d+}$/);
  });

  it('keeps the bundle until a file of it changes, an imported one too', async () => {
    await using folder = await aFolder(PARTS);
    const project = { workflows: './workflows.ts', root: folder.path };
    const log = aLog();
    const first = await bringWorkflowBundle(project, log);
    assert.deepEqual(await bringWorkflowBundle(project, log), first);
    assert.equal(log.lines.length, 1);
    await writeFile(join(folder.path, 'why.ts'), `export const WHY = 'on Fridays';`);
    const { code } = await bringWorkflowBundle(project, log);
    assert.ok(code.includes('on Fridays'));
    assert.equal(log.lines.length, 2);
  });

  it('has the package’s own bundle where the project names none', async () => {
    const log = aLog();
    const { code } = await bringWorkflowBundle({ root: '/nowhere' }, log);
    const file = new URL('../../.switchyard/build/workflow-bundle.js', import.meta.url);
    assert.ok(code.startsWith(await readFile(file, 'utf8')));
    assert.deepEqual(log.lines, []);
  });

  it('says that the file is not there, and what a workflow must not import', async () => {
    await using folder = await aFolder({
      'reads-files.ts': `import { readFile } from 'node:fs/promises';
        export async function readsFiles() { return readFile('secret'); }`,
      'typo.ts': `export { runLifecylce } from './missing.js';`,
      'process.ts': `import { spawn } from 'child_process'; export const starts = () => spawn('ls');`,
    });
    const bring = (workflows: string) =>
      bringWorkflowBundle({ workflows, root: folder.path }, aLog());
    await assert.rejects(bring('none.ts'), failure('SetUpMissing', /not there: .*none\.ts/));
    await assert.rejects(
      bring('reads-files.ts'),
      failure(
        'InvalidSpec',
        /reads-files\.ts cannot be bundled: .*"node:fs\/promises", but the sandbox/,
      ),
    );
    await assert.rejects(
      bring('typo.ts'),
      failure('InvalidSpec', /typo\.ts cannot be bundled: .*typo\.ts.*: .*missing\.js/),
    );
    await assert.rejects(
      bring('process.ts'),
      failure(
        'InvalidSpec',
        /process\.ts cannot be bundled: .*disallowed modules: - 'child_process'/,
      ),
    );
  });
});
