import type { Scenario, ScenarioNode } from '../../scenario/scenario.ts';
import { addressesIn } from './addresses.ts';

/**
 * After something was taken away: what was said of it goes as well, but for the people who were to enter a room of it and for the
 * script. Where they go, and whether their steps are dropped, is for a person to say.
 *
 * @param before  where everything was still there
 */
export function withoutMentions(before: Scenario, after: Scenario): Scenario {
  const there = addressesIn(after);
  const gone = new Set([...addressesIn(before)].filter((address) => !there.has(address)));
  if (gone.size === 0) return after;
  const nodes = after.nodes
    .map((node) => dropped(node, gone) as ScenarioNode)
    // A replica of nothing, or for nobody.
    .filter((node) => node.kind === 'service' || (node.replicaOf !== '' && node.serves.length > 0));
  const links = after.links?.filter(({ between }) => !between.some((domain) => gone.has(domain)));
  const pruned = { ...after, nodes, ...(links === undefined ? {} : { links }) };
  // A replica that went is on the list of its room.
  return nodes.length < after.nodes.length ? withoutMentions(after, pruned) : pruned;
}

/** Entries of lists go; a single address becomes empty; a replica on a list goes where it has no address or nobody to serve. */
function dropped(of: unknown, gone: ReadonlySet<string>): unknown {
  if (Array.isArray(of))
    return of
      .filter((one) => typeof one !== 'string' || !gone.has(one))
      .map((one) => dropped(one, gone))
      .filter((one) => !isOfNobody(one));
  if (typeof of !== 'object' || of === null) return of;
  return Object.fromEntries(
    Object.entries(of).flatMap(([key, value]) => {
      if (key === 'replicaOf') return [[key, gone.has(String(value)) ? '' : value]];
      if (key === 'outbound' && typeof value === 'string') return gone.has(value) ? [] : [[key, value]];
      if (key === 'scope') return [[key, withoutKeys(value as object, gone)]];
      if (key === 'jid' && gone.has(String(value))) return [[key, '']];
      return [[key, dropped(value, gone)]];
    }),
  );
}

function isOfNobody(one: unknown): boolean {
  if (typeof one !== 'object' || one === null || !('jid' in one)) return false;
  return one.jid === '' || ('serves' in one && Array.isArray(one.serves) && one.serves.length === 0);
}

function withoutKeys(scope: object, gone: ReadonlySet<string>): object {
  return Object.fromEntries(
    Object.entries(scope).flatMap(([key, value]) => (gone.has(key) ? [] : [[key, dropped(value, gone)]])),
  );
}
