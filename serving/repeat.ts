/**
 * Runs a task again and again, `everyMs` after its last run ended, so that a slow one never overlaps itself. The task
 * handles its own errors. `stop` resolves after a run under way.
 */
export function repeat(everyMs: number, task: () => Promise<void>): { stop(): Promise<void> } {
  let isStopped = false;
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | null = null;
  const schedule = (): void => {
    timer = setTimeout(() => {
      running = task().finally(() => {
        if (!isStopped) schedule();
      });
    }, everyMs);
    timer.unref();
  };
  schedule();
  return {
    stop: () => {
      isStopped = true;
      if (timer) clearTimeout(timer);
      return running;
    },
  };
}
