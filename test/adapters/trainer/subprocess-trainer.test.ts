import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isPortError, type FailureType, type PortError } from '../../../domain/failures.js';
import { ROOT, SKLEARN, Workshop, isAlive } from './scripts.js';

/** The PortError a run fails with. */
async function failure(run: Promise<unknown>, type: FailureType): Promise<PortError> {
  const error: unknown = await run.then(
    () => assert.fail('it did not fail'),
    (reason: unknown) => reason,
  );
  assert.ok(isPortError(error) && error.type === type, `expected ${type}, got ${String(error)}`);
  return error;
}

describe('createSubprocessTrainer', () => {
  it('lists the files, the last value of each metric and the end of the log', async () => {
    using shop = new Workshop(`
write("native.json"); os.mkdir(os.path.join(REQUEST["output"], "deep")); write("deep/a.txt", "a")
event(event="metric", name="loss", value=2); event(event="metric", name="loss", value=1.5)
print("hello"); print("careful", file=sys.stderr)
`);
    const result = await shop.run();
    assert.deepEqual(result, {
      files: ['deep/a.txt', 'native.json'],
      metrics: { loss: 1.5 },
      log: 'hello\n\ncareful\n',
    });
    assert.deepEqual(readdirSync(shop.workRoot), []);
  });

  it('hands on events and ignores every line that is none', async () => {
    using shop = new Workshop(`
write("native.json")
os.write(3, b'garbage\\n{"event":"progress"}\\n[]\\nnull\\n\\xff\\xfe\\n' + b'x' * 200000 + b'\\n')
os.write(3, b'{"event":"progress","done":0.5,'); time.sleep(0.05); os.write(3, b'"message":"half"}\\n')
event(event="progress", done=7, message="too much"); event(event="metric", name="../x", value=1)
open(os.path.join(REQUEST["checkpoints"], "epoch-1.npz"), "w").write("1")
os.symlink("/etc/hostname", os.path.join(REQUEST["checkpoints"], "epoch-2.npz"))
for file in ("epoch-1.npz", "epoch-2.npz", "epoch-3.npz", "../script.py"):
    event(event="checkpoint", file=file)
os.write(3, b'{"event":"progress","done":1,"message":"never ended"')
`);
    await shop.run();
    assert.deepEqual(shop.events, [
      { event: 'progress', done: 0.5, message: 'half' },
      { event: 'checkpoint', file: 'epoch-1.npz' },
    ]);
  });

  it('keeps the last 4 KB of a flood', async () => {
    using shop = new Workshop(`
write("native.json")
sys.stdout.write("é" * 3_000_000 + "the end")
`);
    const { log } = await shop.run();
    assert.ok(Buffer.byteLength(log) <= 4096 && log.endsWith('éthe end') && log.startsWith('é'));
  });

  it('gives the script nothing of its own environment but PATH', async () => {
    process.env['AWS_SECRET_ACCESS_KEY'] = 'secret';
    using shop = new Workshop(
      'write("native.json"); print(sorted(os.environ)); print(sys.argv[1:])',
    );
    const { log } = await shop.run().finally(() => delete process.env['AWS_SECRET_ACCESS_KEY']);
    const names =
      'HOME LANG OMP_NUM_THREADS PATH PYTHONHASHSEED SWITCHYARD_EVENTS SWITCHYARD_REQUEST TMPDIR';
    assert.equal(
      log,
      `[${names
        .split(' ')
        .map((name) => `'${name}'`)
        .join(', ')}]\n[]\n`,
    );
  });

  it('identifies a trainer by the digests of its lock and its script', async () => {
    using shop = new Workshop('');
    const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
    assert.deepEqual(await shop.trainer.identify('scripted'), {
      lock: sha256(join(SKLEARN, 'uv.lock')),
      code: sha256(shop.script),
    });
  });

  it('knows only the trainers of its configuration', async () => {
    using shop = new Workshop('');
    const error = await failure(shop.run({ trainer: 'constructor' }), 'UnknownTrainer');
    assert.match(error.message, /no trainer "constructor" .* it has: scripted\./);
    await failure(shop.trainer.identify('other'), 'UnknownTrainer');
    using lost = new Workshop('', { script: '/nowhere/train.py' });
    await failure(lost.run(), 'UnknownTrainer');
  });

  it('says in one sentence that set-up is missing', async () => {
    using shop = new Workshop('', { project: '/nowhere' });
    const error = await failure(shop.run(), 'SetUpMissing');
    assert.match(
      error.message,
      /^The trainer scripted has no Python .* type: npx switchyard setup$/,
    );
  });

  describe('when a script fails', () => {
    const crashes = [
      { body: 'sys.exit(3)', exitCode: 3, signal: null },
      { body: 'raise RuntimeError("boom")', exitCode: 1, signal: null },
      { body: 'os.kill(os.getpid(), signal.SIGSEGV)', exitCode: 139, signal: 'SIGSEGV' },
      {
        body: 'os.kill(os.getppid(), signal.SIGKILL); time.sleep(60)',
        exitCode: null,
        signal: null,
      },
    ];
    for (const { body, exitCode, signal } of crashes) {
      it(`reports TrainerCrashed for ${body}`, async () => {
        using shop = new Workshop(`print("last words", file=sys.stderr); ${body}`);
        const error = await failure(shop.run(), 'TrainerCrashed');
        assert.equal(error.details['exitCode'], exitCode);
        assert.equal(error.details['signal'], signal);
        assert.match(String(error.details['stderr']), /last words/);
      });
    }

    const kit = [
      { said: 'InvalidParameter', means: 'InvalidParameter' },
      { said: 'NoRows', means: 'InvalidDataset' },
      { said: 'OneClass', means: 'InvalidDataset' },
      { said: 'NotConvertible', means: 'BadTrainerOutput' },
      { said: 'TrainerCrashed', means: 'TrainerCrashed' },
      { said: 'Invented', means: 'TrainerCrashed' },
    ] as const;
    for (const { said, means } of kit) {
      it(`reports ${means} for the kit's ${said}`, async () => {
        using shop = new Workshop(
          `event(event="failure", type="${said}", message="Why."); sys.exit(2)`,
        );
        assert.match((await failure(shop.run(), means)).message, /Why\.$/);
      });
    }
  });

  describe('when the output is bad', () => {
    const outputs = [
      { what: 'nothing', body: 'pass', said: /wrote no native\.json; it wrote nothing/ },
      { what: 'an empty file', body: 'write("a", "")', said: /a is empty/ },
      {
        what: 'a link out',
        body: 'os.symlink("/etc/hostname", REQUEST["output"] + "/a")',
        said: /a is not a regular/,
      },
      {
        what: 'a linked folder',
        body: 'os.symlink("/etc", REQUEST["output"] + "/a")',
        said: /a is not a regular/,
      },
      { what: 'a fifo', body: 'os.mkfifo(REQUEST["output"] + "/a")', said: /a is not a regular/ },
      { what: 'an odd name', body: 'write("a b", "1")', said: /"a b" is no name/ },
      { what: 'a hidden file', body: 'write(".a", "1")', said: /"\.a" is no name/ },
      { what: 'a pickle by name', body: 'write("model.pkl", "1")', said: /model\.pkl is a pickle/ },
      {
        what: 'a torch zip',
        body: 'import zipfile\nwith zipfile.ZipFile(REQUEST["output"] + "/a", "w") as z: z.writestr("x/data.pkl", "1")',
        said: /a is a pickle/,
      },
      {
        what: 'too many files',
        body: 'for i in range(1001): write(f"f{i}", "1")',
        said: /more than 1000 files/,
      },
      ...[0, 1, 2, 3, 4, 5].flatMap((protocol) =>
        ['dict(a=[1])', '[1]', 'os.getcwd', 'threading.Event'].map((value) => ({
          what: `${value} as a pickle of protocol ${protocol}`,
          body: `import pickle, threading; write("a.bin", pickle.dumps(${value}, ${protocol}))`,
          said: /a\.bin is a pickle/,
        })),
      ),
    ];
    for (const { what, body, said } of outputs) {
      it(`refuses ${what}`, async () => {
        using shop = new Workshop(what === 'nothing' ? body : `write("native.json")\n${body}`);
        assert.match((await failure(shop.run(), 'BadTrainerOutput')).message, said);
      });
    }

    it('takes no folder that holds something already', async () => {
      using shop = new Workshop('write("native.json")');
      writeFileSync(join(shop.output, 'old.json'), '{}');
      await assert.rejects(shop.run(), /is not empty/);
    });
  });

  describe('a process tree', () => {
    it('leaves no child behind when the script ends', async () => {
      using shop = new Workshop('daemon("pid"); wait_for("pid"); write("native.json")');
      await shop.run();
      assert.equal(isAlive(await shop.note('pid')), false);
    });

    it('is ended as a whole by a cancel, which rejects with its reason', async () => {
      using shop = new Workshop(
        'daemon("one"); daemon("two"); wait_for("one"); wait_for("two"); note("own", str(os.getpid())); time.sleep(600)',
      );
      const running = shop.run();
      const pids = [await shop.note('own'), await shop.note('one'), await shop.note('two')];
      assert.ok(pids.every(isAlive));
      const reason = new Error('nobody wants it any more');
      shop.abort.abort(reason);
      await assert.rejects(running, reason);
      assert.deepEqual(pids.filter(isAlive), []);
      assert.deepEqual(readdirSync(shop.workRoot), []);
    });

    it('is never started when it is cancelled before', async () => {
      using shop = new Workshop('note("started")');
      shop.abort.abort(new Error('too late'));
      await assert.rejects(shop.run(), /too late/);
      assert.ok(!readdirSync(shop.folder).includes('started'));
    });

    it('is ended when it reports nothing for too long', async () => {
      using shop = new Workshop(
        'daemon("pid"); wait_for("pid"); print("stuck")\nwhile True: os.write(3, b"x\\n"); time.sleep(0.01)',
      );
      const error = await failure(shop.run({ noProgressMs: 700 }), 'TrainerHung');
      assert.match(error.message, /reported nothing for 700 ms/);
      assert.match(String(error.details['stdout']), /stuck/);
      assert.equal(isAlive(await shop.note('pid')), false);
    });

    it('is ended at its deadline though it reports', async () => {
      using shop = new Workshop(
        'while True: event(event="progress", done=0.1, message="on and on"); time.sleep(0.01)',
      );
      const error = await failure(shop.run({ deadlineMs: 900, noProgressMs: 500 }), 'TrainerHung');
      assert.match(error.message, /did not end within 900 ms/);
    });

    it('is ended when the listener throws, and the run rejects with that', async () => {
      using shop = new Workshop('event(event="progress", done=0, message="go"); time.sleep(600)');
      const onEvent = () => {
        throw new Error('the listener is broken');
      };
      const given = { onEvent, signal: shop.abort.signal };
      await assert.rejects(shop.trainer.run(shop.job(), given), /the listener is broken/);
    });
  });

  it('trains and converts the tickets example', async () => {
    using shop = new Workshop('', { script: join(ROOT, 'examples/tickets/train.py') });
    const words = { billing: 'invoice refund card', network: 'router cable wifi' };
    const rows = Object.entries(words).flatMap(([label, text]) =>
      [1, 2, 3, 4].map((n) => ({ id: `${label}${n}`, at: '2002-03-01T00:00:00Z', label, text })),
    );
    const train = join(shop.folder, 'train.jsonl');
    writeFileSync(train, rows.map((row) => JSON.stringify(row) + '\n').join(''));
    const trained = await shop.run({ train });
    assert.deepEqual(trained.files, ['model.skops', 'native.json']);
    assert.equal(trained.metrics['train-accuracy'], 1);
    assert.equal(shop.events.at(0)?.event, 'progress');
    const output = join(shop.folder, 'converted');
    mkdirSync(output);
    const converted = await shop.trainer.run(
      { ...shop.job({ output }), command: 'convert', native: shop.output, parityRows: train },
      { onEvent: () => undefined, signal: shop.abort.signal },
    );
    assert.deepEqual(converted.files, [
      'front-end.json',
      'model.json',
      'model.onnx',
      'parity.jsonl',
    ]);
    const refused = await failure(
      shop.trainer.run(
        { ...shop.job({ output: join(shop.folder, 'work'), parameters: { hiden: 3 }, train }) },
        { onEvent: () => undefined, signal: shop.abort.signal },
      ),
      'InvalidParameter',
    );
    assert.equal(
      refused.message,
      'The model tickets has no parameter "hiden"; did you mean "hidden"?',
    );
  });
});
