import { harmless } from './harmless.js';

const PROGRESS_AFTER_MS = 1_000;
const PROGRESS_EVERY_MS = 5_000;

/** Where a command speaks to people while it works; standard output is kept for the answer. */
export interface Terminal {
  /** True where the answer is one JSON object. */
  readonly json: boolean;
  /** Aborts when the user types Ctrl-C. */
  readonly interrupted: AbortSignal;
  /** The sentence that Ctrl-C leaves behind from now on; at first it says that the command was interrupted. */
  readonly ifInterrupted: (sentence: string) => void;
  /** What `ifInterrupted` was given last. */
  readonly farewell: () => string;
  /** One line on standard error. */
  readonly say: (line: string) => void;
  /** Waits for something, and says what for where that takes over a second, and every five seconds after. */
  readonly during: <Value>(what: string, work: Promise<Value>) => Promise<Value>;
}

/** A terminal that writes to this process's standard error. */
export function createTerminal(json: boolean, interrupted: AbortSignal): Terminal {
  const say = (line: string) => void process.stderr.write(`${harmless(line)}\n`);
  let farewell = 'interrupted';
  return {
    json,
    interrupted,
    say,
    ifInterrupted: (sentence) => (farewell = sentence),
    farewell: () => farewell,
    during: async (what, work) => {
      const startedMs = performance.now();
      const tell = () => {
        say(`${what} … ${Math.round((performance.now() - startedMs) / 1_000)} s`);
        timer = setTimeout(tell, PROGRESS_EVERY_MS);
      };
      let timer = setTimeout(tell, PROGRESS_AFTER_MS);
      try {
        return await work;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
