const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** Told once, by the first SIGTERM or SIGINT. */
export interface StopSignals {
  /** Resolves to the signal's name. */
  readonly first: Promise<string>;
}

/**
 * Listens for the order to stop. The first signal is told, and whoever listens ends in good order; a second one, of either
 * kind, ends the process at once with 130 (SIGINT) or 143 (SIGTERM).
 */
export function listenForStop(): StopSignals {
  let isStopping = false;
  const first = new Promise<string>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (isStopping) process.exit(SIGNALS[signal]);
        isStopping = true;
        resolve(signal);
      });
    }
  });
  return { first };
}
