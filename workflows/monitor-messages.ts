import { defineQuery, defineUpdate } from '@temporalio/workflow';
import { z } from 'zod';
import {
  monitorStateSchema,
  type MonitorOrder,
  type MonitorState,
} from '../domain/monitor/state.js';
import { nameSchema } from '../domain/names.js';
import type { WindowRow } from '../domain/monitor/window.js';

/** The workflow's type name, as the web UI and `client/` start it. */
export const MONITOR_TYPE = 'monitorModel';

/** The id of a model's `monitorModel`. */
export function monitorWorkflowId(model: string): string {
  return `monitor/${model}`;
}

/** Judges nothing until `resume`; windows of the pause are not made up for. */
export const pause = defineUpdate<MonitorStanding, [MonitorOrder]>('pause');
export const resume = defineUpdate<MonitorStanding, [MonitorOrder]>('resume');
/** Judges the last window's length up to now, without writing it or acting on it. */
export const checkNow = defineUpdate<WindowRow, [object]>('checkNow');
/** Reads the specification again, as every worker asks at its start. */
export const refresh = defineUpdate<MonitorStanding, [object]>('refresh');
/** All that the monitor remembers. */
export const state = defineQuery<MonitorState>('state');

/** How a monitor stands, in short. */
export interface MonitorStanding {
  readonly paused: boolean;
  readonly verdict: MonitorState['verdict'];
}

export const monitorInputSchema = z.strictObject({
  model: nameSchema,
  /** Carried from run to run; left out at the first start. */
  carried: monitorStateSchema.optional(),
});
export type MonitorInput = z.infer<typeof monitorInputSchema>;

/** Why a monitor ended by itself. */
export interface MonitorEnd {
  readonly ended: string;
}
export const monitorEndSchema: z.ZodType<MonitorEnd> = z.strictObject({ ended: z.string() });
