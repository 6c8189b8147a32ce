import type { Resource } from './limits.ts';
import type { DesignId } from './scenario.ts';

/** What a design is called. */
export const designNames: Readonly<Record<DesignId, string>> = {
  plain: 'plain room',
  '0282': '0282 replicas',
  '0281': '0281 shadows',
  '0289-tree': '0289 tree',
  '0289-mesh': '0289 mesh',
  '0289-replica': '0289 primary-replica',
};

/** What each resource is, in words. */
export const resourceNames: Readonly<Record<Resource, string>> = {
  link: 'bytes on one link',
  uplink: 'bytes that one node sends to other servers',
  stanzas: 'stanzas that one node handles',
  memory: 'memory of one node',
};

/** Everybody is told of everybody who comes and goes, in each design. */
const presence =
  'Presence would have to be told to fewer: to moderators alone, or to nobody in a room of this size (XEP-0045 presence broadcast).';
const nodes = 'A node would have to hold a part of the occupants alone.';

/** What would have to change for a design to go on where this resource ends. */
export function remedyFor(id: DesignId, resource: Resource): string {
  if (resource === 'memory') return nodes;
  switch (id) {
    case 'plain':
      return resource === 'stanzas'
        ? `The copies would have to be made on the servers of the users, which is what all other designs do. ${presence}`
        : 'One copy would have to go to each server and not to each user, which is what all other designs do.';
    case '0282':
      return resource === 'stanzas'
        ? presence
        : `The primary sends a copy to each replica: replicas would have to pass on to further replicas, as a tree does. ${presence}`;
    case '0281':
      return resource === 'stanzas'
        ? presence
        : `Each instance writes to each other, and its pings name every room that has said something: instances would have to pass on for others, and a ping to name only what has changed. ${presence}`;
    case '0289-mesh':
      return resource === 'stanzas'
        ? presence
        : `The first node has a link with each other one: fewer links would have to close rings, so that a wider tree is left. ${presence}`;
    default:
      return resource === 'stanzas' ? presence : `Fewer nodes would have to join one node. ${presence}`;
  }
}
