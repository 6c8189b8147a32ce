import { createHash } from 'node:crypto';
import type { SimRecord } from '../sim/trace.ts';

/** Says whether two runs are the same, record for record: how many records, and a part of their SHA-256. */
export function digestOf(trace: readonly SimRecord[]): string {
  const hash = createHash('sha256').update(JSON.stringify(trace)).digest('base64url');
  return `${trace.length} ${hash.slice(0, 12)}`;
}
