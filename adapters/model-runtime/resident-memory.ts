import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A process's memory, in bytes. */
export interface ResidentMemory {
  readonly rssBytes: number;
  /** Highest since the start; where only `ps` tells (macOS), the same as now. */
  readonly peakRssBytes: number;
  /** What no file backs: heap and stacks, without the pages of Node and onnxruntime, which processes share. */
  readonly anonymousBytes: number;
  /** What it may write, touched or not: what RLIMIT_DATA counts. Where only `ps` tells, what is resident. */
  readonly dataBytes: number;
}

export async function residentMemory(pid: number): Promise<ResidentMemory> {
  if (process.platform !== 'linux') {
    const { stdout } = await run('ps', ['-o', 'rss=', '-p', `${pid}`]);
    const rssBytes = Number(stdout.trim()) * 1024;
    return { rssBytes, peakRssBytes: rssBytes, anonymousBytes: rssBytes, dataBytes: rssBytes };
  }
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return {
    rssBytes: field(status, 'VmRSS'),
    peakRssBytes: field(status, 'VmHWM'),
    anonymousBytes: field(status, 'RssAnon'),
    dataBytes: field(status, 'VmData'),
  };
}

function field(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
}
