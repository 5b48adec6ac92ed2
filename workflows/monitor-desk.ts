import { condition, setHandler } from '@temporalio/workflow';
import { monitorDetails } from '../domain/monitor/details.js';
import type { MonitorPlan } from '../domain/monitor/plan.js';
import {
  monitorOrderSchema,
  NEW_MONITOR,
  pausedBy,
  resumed,
  settled,
  withNote,
  type MonitorState,
} from '../domain/monitor/state.js';
import type { WindowRow } from '../domain/monitor/window.js';
import { showDetails } from './details.js';
import { parseEntry } from './door.js';
import { moveOn, moveOrderSchema } from './messages.js';
import {
  checkNow,
  pause,
  refresh,
  resume,
  state,
  type MonitorStanding,
} from './monitor-messages.js';
import { findBy } from './search-attributes.js';

/** What a monitor remembers, what it is told, and what is shown of it. */
export class MonitorDesk {
  readonly model: string;
  state: MonitorState;
  plan: MonitorPlan = { windows: null, newData: null };
  /** The specification is to be read again. */
  isStale = true;
  /** It is to continue as new, such as on a new build. */
  isMoving = false;
  #isWoken = false;
  #look: Promise<WindowRow> | null = null;
  #isPlanned = false;

  constructor(model: string, carried: MonitorState | undefined) {
    this.model = model;
    this.state = carried ?? NEW_MONITOR;
  }

  adopt(plan: MonitorPlan): void {
    this.plan = plan;
    this.state = settled(this.state, plan, Date.now());
    this.#isPlanned = true;
  }

  /** The specification has been read in this run, or there is none any more. */
  async planned(): Promise<MonitorPlan> {
    await condition(() => this.#isPlanned);
    return this.plan;
  }

  note(text: string): void {
    this.state = withNote(this.state, Date.now(), text);
  }

  /** Puts what people see of it up to date. */
  show(): void {
    showDetails(() => monitorDetails(this.model, this.state));
    const { verdict } = this.state;
    findBy({ ModelName: this.model, ...(verdict !== null && { Verdict: verdict }) });
  }

  /** Waits until something is due or somebody says something. */
  async wait(ms: number | null): Promise<void> {
    if (ms === null) await condition(() => this.#isWoken);
    else await condition(() => this.#isWoken, ms);
    this.#isWoken = false;
  }

  /** One look for all who ask while it lasts: however many do, it ends, and the next turn comes. */
  lookOnce(look: () => Promise<WindowRow>): Promise<WindowRow> {
    this.#look ??= look().finally(() => {
      this.#look = null;
      this.wake(); // a turn, so that a run of many looks and few windows ends too
    });
    return this.#look;
  }

  wake(): void {
    this.#isWoken = true;
  }

  standing(): MonitorStanding {
    return { paused: this.state.paused !== null, verdict: this.state.verdict };
  }
}

/**
 * A monitor's desk with its handlers. Call it before the workflow's first await.
 * @param look - Judges the last window's length, for `checkNow`.
 */
export function openMonitorDesk(
  model: string,
  carried: MonitorState | undefined,
  look: () => Promise<WindowRow>,
): MonitorDesk {
  const desk = new MonitorDesk(model, carried);
  const orders = {
    description: 'Stop judging: {"by": "grace@example.com", "reason": "a campaign is running"}',
    validator: (order: unknown) => void parseEntry('order', monitorOrderSchema, order),
  };
  setHandler(
    pause,
    (order) => {
      desk.state = pausedBy(desk.state, order, Date.now());
      desk.note(`paused by ${order.by}: ${order.reason}`);
      desk.wake();
      return desk.standing();
    },
    orders,
  );
  setHandler(
    resume,
    (order) => {
      if (desk.state.paused !== null) {
        desk.state = resumed(desk.state, desk.plan.windows, Date.now());
        desk.note(`resumed by ${order.by}: ${order.reason}`);
      }
      desk.wake();
      return desk.standing();
    },
    {
      ...orders,
      description: 'Go on judging: {"by": "grace@example.com", "reason": "it is over"}',
    },
  );
  setLookHandlers(desk, look);
  setHandler(state, () => desk.state, { description: 'All that it remembers; no input' });
  return desk;
}

/** What makes it look: at the last window, at its specification, or at which build is released. */
function setLookHandlers(desk: MonitorDesk, look: () => Promise<WindowRow>): void {
  setHandler(checkNow, () => desk.lookOnce(look), {
    description: 'Judge the last window’s length up to now; nothing is written or done. Input: {}',
  });
  setHandler(
    refresh,
    () => {
      desk.isStale = true;
      desk.wake();
      return desk.standing();
    },
    { description: 'Read the specification again. Input: {}' },
  );
  setHandler(
    moveOn,
    ({ because }) => {
      desk.isMoving = true;
      desk.note(`moves on: ${because}`);
      desk.wake();
    },
    {
      description: 'Continue as new, on the newest build: {"because": "a release"}',
      validator: (order) => void parseEntry('order', moveOrderSchema, order),
    },
  );
}
