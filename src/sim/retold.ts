import { isOwnUser } from '../core/distribution/scope.ts';
import { isLocal, type RoomEvent } from '../core/room/event.ts';
import { domainOf, type Jid } from '../core/xmpp/jid.ts';
import { textOf } from '../core/xmpp/xml.ts';
import type { Aftermath } from './aftermath.ts';
import { fold, type Occupants } from './checkers/occupants.ts';
import { isFederated } from './plan.ts';
import type { Placed, RecordOf } from './trace.ts';

/** What a hostile node has told of the past. */
export interface Retold {
  /** Appends (indices) with something that the node could not know better. */
  readonly appends: ReadonlySet<number>;
  /** The words. They may have another identity than those that were said. */
  readonly bodies: ReadonlySet<string>;
}

/**
 * Decision #174: what a hostile node of XEP-0289 tells of users of a third node is believed where that is neither linked with the node
 * that is told nor reached by another way.
 */
export function retoldIn(kept: readonly Placed<RecordOf<'append'>>[], world: Aftermath | undefined): Retold {
  const appends = new Set<number>();
  const bodies = new Set<string>();
  const hostile = isFederated(world?.plan.mode) ? world?.plan.hostileNode : undefined;
  if (hostile === undefined) return { appends, bodies };
  const known = new Map<Jid, { readonly live: Set<Jid>; readonly occupants: Occupants }>();
  const look = (event: RoomEvent, node: Jid, i: number) => {
    const { live, occupants } = known.get(node) ?? { live: new Set<Jid>(), occupants: new Map() };
    known.set(node, { live, occupants });
    fold(occupants, event);
    if (event.kind === 'peerChanged') event.record?.state === 'live' ? live.add(event.peer) : live.delete(event.peer);
    if (event.kind !== 'messageAccepted' || event.item.via === undefined || event.item.author === undefined) return;
    const { via, author, payloads } = event.item;
    if (domainOf(via) !== hostile || isOwnUser(via, author)) return;
    const isLinked = [...live].some((peer) => isOwnUser(peer, author));
    const isReached = [...occupants.values()].some(
      (one) => !isLocal(one) && one.home !== via && one.jid !== undefined && domainOf(one.jid) === domainOf(author),
    );
    if (isLinked || isReached) return;
    appends.add(i);
    for (const payload of payloads) if (payload.name === 'body') bodies.add(textOf(payload));
  };
  for (const { i, record } of kept)
    if (record.node !== hostile) for (const event of record.events) look(event, record.node, i);
  return { appends, bodies };
}
