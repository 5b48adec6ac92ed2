import { log, setCurrentDetails } from '@temporalio/workflow';

/**
 * Sets what the web UI shows of this run. A text that cannot be drawn costs the page, never the run: it shows that instead, and
 * the worker's log why.
 */
export function showDetails(draw: () => string): void {
  try {
    setCurrentDetails(draw());
  } catch (error) {
    log.warn('the details of a run could not be drawn', { error });
    setCurrentDetails(
      'The details could not be drawn: the worker’s log says why; the queries answer.',
    );
  }
}
