import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { csvSource } from '../../../adapters/sources/csv-source.js';
import { trainerProject } from '../../../adapters/trainer/trainer-project.js';
import { lookAtCsv } from '../../../scripts/init/look-at-csv.js';
import { COMMANDS } from '../../../scripts/commands/list.js';
import { readCommandLine } from '../../../scripts/commands/terminal/options.js';
import { dependenciesOf } from '../../../scripts/init/package-source.js';
import { sampleCsv } from '../../../scripts/init/sample-rows.js';
import { writeProject } from '../../../scripts/init/write-project.js';
import { temporaryFolder } from '../../adapters/model-runtime/temporary-folder.js';

const dependencies = { switchyard: '0.1.0', tools: { typescript: '6.0.3' } };

async function csvIn(folder: string, text: string): Promise<string> {
  const file = join(folder, 'mails.csv');
  await writeFile(file, text);
  return file;
}

describe('writeProject', () => {
  it('names the model and the columns in every file that has them', async () => {
    await using place = await temporaryFolder();
    const csv = { file: await csvIn(place.path, `body,it's\nHi,a\n`), text: 'body', label: `it's` };
    const folder = join(place.path, 'My Spam-Filter');

    const files = await writeProject({ folder, model: 'spam', dependencies, csv });

    const read = (name: string) => readFile(join(folder, name), 'utf8');
    const config = await read('switchyard.config.ts');
    assert.match(config, /model: 'spam'/);
    assert.match(config, /text: 'body', label: 'it\\'s'/);
    assert.match(await read('package.json'), /"name": "my-spam-filter"/);
    assert.equal(await read('data/rows.csv'), await readFile(csv.file, 'utf8'));
    for (const name of files) assert.doesNotMatch(await read(name), /my-model/, name);
    assert.ok(files.includes('.npmrc') && files.includes('.gitignore'));
  });

  it('writes a README whose commands take what it gives them', async () => {
    await using place = await temporaryFolder();
    const folder = join(place.path, 'p');
    await writeProject({ folder, model: 'spam', dependencies, csv: null });

    const readme = await readFile(join(folder, 'README.md'), 'utf8');
    const typed = [...readme.matchAll(/^npx switchyard (.+?)(?: +#.*)?$/gm)].map(([, line = '']) =>
      [...line.matchAll(/"([^"]*)"|\S+/g)].map(([word, text]) => text ?? word),
    );
    assert.ok(typed.length >= 5);
    for (const [name = '', ...args] of typed) {
      const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
      assert.ok(load, name);
      const { definition } = await load();
      const { values, words } = readCommandLine(definition, args);
      assert.ok(
        words.every((word) => word === 'spam'),
        `${name} ${args.join(' ')}`,
      );
      if (name === 'approve') assert.notEqual(values['reason'], undefined);
      if (name === 'predict') assert.notEqual(values['text'], undefined);
    }
  });

  it('leaves a folder alone that is not empty', async () => {
    await using place = await temporaryFolder();
    await writeFile(join(place.path, 'mine.txt'), 'mine');
    const project = { folder: place.path, model: 'm', dependencies, csv: null };

    await assert.rejects(writeProject(project), /is not empty \(it has mine\.txt\): name a folder/);

    assert.deepEqual(await readdir(place.path), ['mine.txt']);
  });

  it('refuses a file as a folder', async () => {
    await using place = await temporaryFolder();
    const file = await csvIn(place.path, '');
    const project = { folder: file, model: 'm', dependencies, csv: null };

    await assert.rejects(writeProject(project), /mails\.csv cannot be a project's folder/);
  });
});

describe('sampleCsv', () => {
  it('has enough rows of each label on both sides of the cut', async () => {
    await using place = await temporaryFolder();
    const source = csvSource({ file: await csvIn(place.path, sampleCsv()) });
    const { train = {}, heldOut = {} } = source.cuts ?? {};

    for (const [cut, least] of [
      [train, 60],
      [heldOut, 15],
    ] as const) {
      const labels = (await source.rows(cut)).map(({ label }) => label);
      for (const label of ['billing', 'access', 'delivery']) {
        assert.ok(labels.filter((each) => each === label).length >= least, label);
      }
    }
  });
});

describe('lookAtCsv', () => {
  const look = async (text: string, given = {}) => {
    await using place = await temporaryFolder();
    return await lookAtCsv(await csvIn(place.path, text), given);
  };

  it('counts rows and labels of the columns that are named', async () => {
    const { rows, labels } = await look('x,body,queue\n1,Hi,b\n2,Ho,a\n3,"Hi\nyou",b\n', {
      ...{ text: 'body', label: 'queue' },
    });

    assert.deepEqual({ rows, labels }, { rows: 3, labels: ['a', 'b'] });
  });

  it('says which columns there are', async () => {
    await assert.rejects(
      look('body,queue\nHi,a\n'),
      /has no column "text" but body, queue: name the two with --text COLUMN --label COLUMN/,
    );
  });

  it('refuses one label only', async () => {
    await assert.rejects(look('text,label\nHi,a\nHo,a\n'), /2 rows with 1 label: a classifier/);
  });

  it('says that there is no such file', async () => {
    await assert.rejects(
      lookAtCsv('/nowhere.csv', {}),
      /^PortError: \/nowhere\.csv cannot be read/,
    );
  });
});

describe('dependenciesOf', () => {
  const manifest = JSON.stringify({
    ...{ name: 'switchyard', version: '1.2.3' },
    ...{ dependencies: { tsx: '4.0.0' }, devDependencies: { typescript: '6.0.0' } },
  });

  it('says what to type where the checkout has no tarball', async () => {
    await using place = await temporaryFolder();
    await writeFile(join(place.path, 'package.json'), manifest);

    assert.throws(
      () => dependenciesOf('/new', place.path),
      /switchyard-1\.2\.3\.tgz is missing.*: type npm run build && npm pack in /,
    );
  });

  it('goes by the tarball of the checkout, from the new folder', async () => {
    await using place = await temporaryFolder();
    await mkdir(join(place.path, 'checkout'));
    await writeFile(join(place.path, 'checkout/package.json'), manifest);
    await writeFile(join(place.path, 'checkout/switchyard-1.2.3.tgz'), '');

    const found = dependenciesOf(join(place.path, 'a/new'), join(place.path, 'checkout'));

    assert.equal(found.switchyard, 'file:../../checkout/switchyard-1.2.3.tgz');
    assert.deepEqual(found.tools, { tsx: '4.0.0', typescript: '6.0.0' });
  });

  it('installs what it was installed from itself', async () => {
    await using place = await temporaryFolder();
    const root = join(place.path, 'project/node_modules/switchyard');
    await mkdir(root, { recursive: true });
    await writeFile(join(root, 'package.json'), manifest);
    const from = (folder: string) => dependenciesOf(join(place.path, folder), root).switchyard;
    assert.equal(from('new'), '1.2.3');

    const packages = { 'node_modules/switchyard': { resolved: 'file:../s.tgz' } };
    const lock = join(place.path, 'project/node_modules/.package-lock.json');
    await writeFile(lock, JSON.stringify({ packages }));

    assert.equal(from('new'), 'file:../s.tgz');
  });
});

describe('trainerProject', () => {
  it('finds the package’s own by name, and any other from the configuration', () => {
    assert.match(trainerProject('/p', 'switchyard:sklearn'), /\/trainers\/sklearn$/);
    assert.equal(trainerProject('/p', 'trainer'), '/p/trainer');
  });

  it('lists those that the package has', () => {
    for (const name of ['torch', 'servers', 'kit', '../sklearn']) {
      assert.throws(
        () => trainerProject('/p', `switchyard:${name}`),
        /the package has no uv project ".*"; it has switchyard:minilm, switchyard:sklearn/,
      );
    }
  });
});
