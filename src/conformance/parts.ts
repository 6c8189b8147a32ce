import type { Part } from './check.ts';
import type { Protocol, Role } from './setting.ts';
import { shadow } from './xep0281-shadow.ts';
import { source } from './xep0281-source.ts';
import { primary } from './xep0282-primary.ts';
import { replica } from './xep0282-replica.ts';
import { joinedNode } from './xep0289-joined.ts';
import { joiningNode } from './xep0289-joining.ts';

/** All that can be tried of an implementation. */
export const parts: readonly Part[] = [source, shadow, primary, replica, joinedNode, joiningNode];

export function partFor(protocol: Protocol, role: Role): Part {
  const part = parts.find((one) => one.protocol === protocol && one.role === role);
  if (part === undefined) throw new RangeError(`XEP-${protocol} has no role ${role}`);
  return part;
}

/** What the checks and reviews of a part have in common, in the order in which they are told of. */
export function listOf({ begin, checks, reviews }: Part) {
  return [...(begin ? [begin] : []), ...checks, ...reviews].map(({ id, section, requirement }) => ({
    id,
    section,
    requirement,
  }));
}
