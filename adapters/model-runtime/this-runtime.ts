import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { z } from 'zod';
import type { RuntimeFacts } from '../../domain/runtime-facts.js';

/** The version of onnxruntime-node that is installed. */
export function installedVersion(): string {
  const require = createRequire(import.meta.url);
  const read: unknown = require('onnxruntime-node/package.json');
  return z.object({ version: z.string() }).parse(read).version;
}

/** What computes in this process and its children. */
export function thisRuntime(): RuntimeFacts {
  return {
    onnxruntime: installedVersion(),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
  };
}
