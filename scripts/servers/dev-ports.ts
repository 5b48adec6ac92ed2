import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { freePort, isPortFree } from './free-ports.js';

const portsSchema = z.object({ temporal: z.int(), ui: z.int(), endpoint: z.int() });
type Ports = z.infer<typeof portsSchema>;

/** The ports of the last start of this data where they are free, so that links and open pages go on; else others. */
export async function choosePorts(directory: string): Promise<Ports> {
  const file = path.join(directory, 'ports.json');
  const last = portsSchema.safeParse(parseJson(await readFile(file, 'utf8').catch(() => '')));
  const ports = {
    temporal: await again(last.data?.temporal),
    ui: await again(last.data?.ui),
    endpoint: await again(last.data?.endpoint),
  };
  await mkdir(directory, { recursive: true });
  await writeFile(file, `${JSON.stringify(ports)}\n`);
  return ports;
}

async function again(port: number | undefined): Promise<number> {
  return port !== undefined && (await isPortFree(port)) ? port : freePort();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
