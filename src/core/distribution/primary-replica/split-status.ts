import type { SplitSettings } from '../../room/config.ts';
import type { SplitStatus } from '../protocol.ts';

/** XEP-0282 §4.11.1.2, as a node's status tells of it. */
export function splitStatus({ policy, chat, private: pm, entry, kick, away }: SplitSettings): SplitStatus {
  return { policy, chat, pm, entry, kick, away };
}
