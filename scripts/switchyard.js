#!/usr/bin/env node
/** The `switchyard` command: plain JavaScript, so that Node runs it as it is; the command itself is TypeScript. */
import { register } from 'tsx/esm/api';

register();
await import('./switchyard.ts');
