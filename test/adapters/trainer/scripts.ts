import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TrainJob, TrainerEvent } from '../../../domain/ports/trainer.js';
import { createSubprocessTrainer } from '../../../adapters/trainer/subprocess-trainer.js';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const SKLEARN = join(ROOT, 'trainers/sklearn');
export const MINILM = join(ROOT, 'trainers/minilm');

/** What a script needs to make a daemon that leaves its parent and ignores SIGTERM. */
const DAEMON = `
import json, os, signal, sys, time
REQUEST = json.load(open(os.environ["SWITCHYARD_REQUEST"]))
NOTES = os.environ["NOTES"] if "NOTES" in os.environ else os.path.dirname(REQUEST["checkpoints"])
def note(name, text=""):
    path = os.path.join(NOTES, name)
    with open(path + ".tmp", "w") as file:
        file.write(text)
    os.rename(path + ".tmp", path)
def daemon(name):
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note(name, str(os.getpid()))
    time.sleep(600)
    os._exit(0)
def wait_for(name):
    while not os.path.exists(os.path.join(NOTES, name)):
        time.sleep(0.01)
def write(name, data="{}"):
    with open(os.path.join(REQUEST["output"], name), "wb") as file:
        file.write(data.encode() if isinstance(data, str) else data)
def event(**fields):
    os.write(3, (json.dumps(fields) + "\\n").encode())
`;

/** A folder with one script as the trainer `scripted`, and room for its work. */
export class Workshop implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'trainer-test-'));
  readonly script = join(this.folder, 'script.py');
  readonly output = join(this.folder, 'out');
  readonly checkpoints = join(this.folder, 'checkpoints');
  readonly workRoot = join(this.folder, 'work');
  readonly events: TrainerEvent[] = [];
  readonly abort = new AbortController();
  readonly trainer;

  constructor(body: string, entry: { script?: string; project?: string } = {}) {
    writeFileSync(this.script, DAEMON + body);
    for (const folder of [this.output, this.checkpoints, this.workRoot]) mkdirSync(folder);
    this.trainer = createSubprocessTrainer({
      trainers: { scripted: { project: SKLEARN, script: this.script, ...entry } },
      workRoot: this.workRoot,
    });
  }

  job(changes: Partial<TrainJob> = {}): TrainJob {
    return {
      command: 'train',
      trainer: 'scripted',
      model: 'tickets',
      parameters: {},
      seed: 7,
      train: join(this.folder, 'train.jsonl'),
      output: this.output,
      checkpoints: this.checkpoints,
      deadlineMs: 60_000,
      noProgressMs: 60_000,
      ...changes,
    };
  }

  run(changes: Partial<TrainJob> = {}) {
    return this.trainer.run(this.job(changes), {
      onEvent: (event) => this.events.push(event),
      signal: this.abort.signal,
    });
  }

  /** Waits for a note the script leaves, and returns its text. */
  async note(name: string): Promise<string> {
    const path = join(this.folder, name);
    await until(() => existsSync(path));
    return readFileSync(path, 'utf8');
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Polls a fact about other processes or files, at most 20 s. */
export async function until(isTrue: () => boolean): Promise<void> {
  const end = performance.now() + 20_000;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error('it never became true');
    await pause(20);
  }
}

/** Whether a process runs; one that has ended and waits to be collected does not. */
export function isAlive(pid: string): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
