import { z } from 'zod';

/** Levels of log lines, the most talkative first; `silent` is none. */
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** The variable that says how much a process logs; part of every process's environment. */
export const logEnvironmentSchema = z.object({
  SWITCHYARD_LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
});

export type LogLevel = (typeof LOG_LEVELS)[number];
