/** Plain lines with the seconds since the start; on a terminal the same, so that a log and a screen read alike. */
export interface Progress {
  say(line: string): void;
}

/** @param write - Where lines go; standard error keeps standard output for the result. */
export function createProgress(
  startedAt: number,
  write: (line: string) => void = (line) => process.stderr.write(line),
): Progress {
  return {
    say: (line) => {
      const seconds = ((Date.now() - startedAt) / 1_000).toFixed(1);
      write(`${seconds.padStart(6)} s  ${line}\n`);
    },
  };
}
