import type { Build } from '../../client/builds.js';
import { defineCommand } from './terminal/define-command.js';
import { inSession } from './terminal/session.js';
import { renderTable } from './terminal/table.js';
import { age, typed } from './terminal/words.js';

/** `switchyard builds`: the builds of the workers, and which of them are still needed. */
export const runBuilds = defineCommand({
  name: 'builds',
  takes: '',
  summary: 'the workers’ builds: who gets new runs, who has open workflows, which can be stopped',
  options: {},
  run: ({ terminal }) =>
    inSession(terminal, async (session) => {
      const { builds } = session;
      const found = await terminal.during('asking Temporal', builds.list());
      const now = new Date();
      const head = ['build', 'is', 'open workflows', 'workers', 'can be stopped'];
      return {
        lines:
          found.length === 0
            ? [
                `no versioned worker has ever polled for the deployment "${builds.deploymentName}": a worker gets a build with SWITCHYARD_BUILD`,
              ]
            : renderTable([head, ...found.map((build) => cellsOf(build, now))]),
        facts: { deployment: builds.deploymentName, builds: found },
        webUi: session.page(null),
        next: nextOf(found),
      };
    }),
});

function cellsOf(build: Build, now: Date): readonly string[] {
  const { open, oldest, workers, needed } = build;
  const since =
    oldest === null ? '' : `, the oldest ${oldest.workflowId} for ${age(oldest.startedAt, now)}`;
  return [
    build.build,
    build.status,
    `${open}${since}`,
    workers > 0 ? String(workers) : open > 0 ? 'NONE, start one' : 'none',
    needed === null ? 'yes' : `no: ${needed}`,
  ];
}

/** The newest build whose workers wait for its release, else what runs. */
function nextOf(builds: readonly Build[]): readonly string[] {
  const [newest] = builds;
  const waits = newest?.status === 'inactive' && newest.workers > 0;
  return [waits ? typed('release', newest.build) : typed('status')];
}
