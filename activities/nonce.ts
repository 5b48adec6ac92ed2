import { randomBytes } from 'node:crypto';

/** Unknown to anybody before the evidence is made. */
export const mintNonce = () => randomBytes(16).toString('hex');
