import { pino, type Logger } from 'pino';
import type { LogLevel } from './log-level.js';

/**
 * A process's log: one JSON object a line on stderr. Fields: `model`, `version`, `digest` (its first 12 digits),
 * `lifecycle` (the workflow's id), `run`, `activity`, `attempt`, `requestId`; never a text, a customer or a secret.
 */
export function createLog(name: string, level: LogLevel = 'info'): Logger {
  return pino(
    { name, level, serializers: { err: shortError, error: shortError } },
    pino.destination({ dest: 2, sync: true }),
  );
}

/** What helps: type, sentence, stack. Details of a wire's failure repeat them at length. */
function shortError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const type = 'type' in error && typeof error.type === 'string' ? error.type : error.name;
  return { type, message: error.message, stack: error.stack };
}
