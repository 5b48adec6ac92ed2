import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Resident memory of a process now, and its highest (where only macOS's `ps` tells, the same as now), in bytes. */
export async function residentBytes(pid: number): Promise<{ rssBytes: number; peakRssBytes: number }> {
  if (process.platform !== 'linux') {
    const { stdout } = await run('ps', ['-o', 'rss=', '-p', `${pid}`]);
    const rssBytes = Number(stdout.trim()) * 1024;
    return { rssBytes, peakRssBytes: rssBytes };
  }
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return { rssBytes: field(status, 'VmRSS'), peakRssBytes: field(status, 'VmHWM') };
}

function field(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
}
