import { fmuc } from './fmuc.ts';
import { fmucReplica } from './fmuc-replica.ts';
import { plain } from './plain.ts';
import type { Mode } from './plan.ts';
import { primaryReplica } from './primary-replica.ts';
import type { Protocol } from './protocol.ts';
import { sourceShadow } from './source-shadow.ts';

/** What each mode of the simulator runs. */
export const protocols: Readonly<Record<Mode, Protocol>> = {
  plain,
  '0281': sourceShadow,
  '0282': primaryReplica,
  '0289pp': fmuc,
  '0289pr': fmucReplica,
};
