import { mkdir, rm, writeFile } from 'node:fs/promises';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { z } from 'zod';
import { fakeActivities, MemoryLive } from '../../testing/fake-activities.js';
import { startRig } from '../../testing/rig.js';
import { stopTestServers } from '../../testing/servers.js';
import { CANCELLED_COURSES } from './cancelled-courses.js';
import type { Course, Courses } from './course.js';
import { LIFECYCLE_COURSES } from './lifecycle-courses.js';
import { LIVE_COURSES } from './live-courses.js';
import { MONITOR_COURSES } from './monitor-course.js';
import { OTHER_COURSES } from './other-courses.js';
import { HISTORIES, recordedNames } from './recorded.js';
import { UNDO_COURSES } from './undo-courses.js';

/** Every stage, and every kind of end. */
export const COURSES: Courses = {
  ...LIFECYCLE_COURSES,
  ...CANCELLED_COURSES,
  ...UNDO_COURSES,
  ...LIVE_COURSES,
  ...MONITOR_COURSES,
  ...OTHER_COURSES,
};

/**
 * Runs courses on a server and saves the history that each leaves; says which is done.
 * @param only - Names of courses; all where it is empty.
 */
export async function recordHistories(
  only: readonly string[],
  say: (line: string) => void,
): Promise<void> {
  await mkdir(HISTORIES, { recursive: true });
  const courses = Object.entries(COURSES).filter(
    ([name]) => only.length === 0 || only.includes(name),
  );
  try {
    for (const [name, course] of courses) {
      await record(name, course);
      say(`recorded ${name}`);
    }
    for (const name of recordedNames().filter((each) => !Object.hasOwn(COURSES, each))) {
      await rm(`${HISTORIES}${name}.json`); // its course is no more
    }
  } finally {
    await stopTestServers();
  }
}

async function record(name: string, course: Course): Promise<void> {
  const live = new MemoryLive();
  await using rig = await startRig(name, (place) =>
    fakeActivities(place, {
      live,
      ...(course.spec && { spec: course.spec }),
      ...(course.overrides && { overrides: course.overrides }),
    }),
  );
  const recorded = await course.run(rig, live);
  const run = typeof recorded === 'string' ? { workflowId: recorded, runId: undefined } : recorded;
  const { client } = rig;
  const history = await client.workflow.getHandle(run.workflowId, run.runId).fetchHistory();
  await writeFile(`${HISTORIES}${name}.json`, oneEventALine(historyToJSON(history)));
}

const historySchema = z.object({ events: z.array(z.unknown()) });

function oneEventALine(history: string): string {
  const { events } = historySchema.parse(JSON.parse(history, withoutPlaces));
  return `{"events":[\n${events.map((event) => JSON.stringify(event)).join(',\n')}\n]}\n`;
}

/** Who recorded it, on which machine and where its code lay: replay does without. */
function withoutPlaces(key: string, value: unknown): unknown {
  if (key === 'identity' || key === 'workerVersion') return undefined;
  if (key === 'stackTrace') return '';
  return key === 'name' && typeof value === 'string' ? value.replace(/^\d+@.*/, 'sticky') : value;
}
