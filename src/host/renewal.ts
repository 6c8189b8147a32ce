/** How a node goes on when its store has no room, or was deleted under it. */
import type { Input } from '../core/node/input.ts';
import type { MucNode } from '../core/node/node.ts';
import type { NodeImage, NodeSnapshot } from '../core/node/snapshot.ts';
import { stanzaError } from '../core/xmpp/errors.ts';
import { errorReply } from '../core/xmpp/stanza.ts';
import { recallAll } from './archive-tail.ts';
import { type EventStore, StoreError } from './event-store.ts';
import type { StanzaLink } from './stanza-link.ts';

/** What a node needs for that. */
export interface Renewal {
  /** The node as it is before anything is restored. */
  node(): MucNode;
  /** Opens the store once more, where the last one is gone. */
  store(): Promise<EventStore>;
  /**
   * For people: what has happened.
   *
   * @param isFull  from now on the node takes nothing new, for there is no room, or takes it again; absent: as before
   */
  tell(what: string, isFull?: boolean): void;
}

/**
 * The store was deleted: the node writes itself anew, as it is in memory. Of its archives that is what it has at hand.
 *
 * @param why  what the store said
 * @returns the new store
 * @throws StoreError if there is another log in the place of the one that is gone
 */
export async function writeAnew(gone: EventStore, node: MucNode, renewal: Renewal, why: string): Promise<EventStore> {
  await gone.close().catch(() => undefined);
  const store = await renewal.store();
  const { snapshot, events } = await store.load();
  if (snapshot !== undefined || events.length > 0) throw new StoreError(`${why}, and another log is in its place`);
  const image = node.snapshot();
  await store.saveSnapshot(withoutHistory(image), renewal.node().restore(image));
  await recallAll(node, store, []);
  renewal.tell(`${why}: it was written anew from memory`);
  return store;
}

/** RFC 6120 §8.3.3.18: what a node cannot take for the moment. */
export function refuse(link: Pick<StanzaLink, 'send'>, input: Input, why: string): void {
  const asked = input.kind === 'stanza' ? input.stanza : input.kind === 'found' ? input.asked : undefined;
  const isLeave = asked?.name === 'presence' && asked.type === 'unavailable';
  const answer =
    asked === undefined || isLeave ? undefined : errorReply(asked, stanzaError('wait', 'resource-constraint', why));
  if (answer) link.send(answer);
}

/** As a store keeps it: the archive has the messages. */
export function withoutHistory({ version, rooms }: NodeImage): NodeSnapshot {
  return { version, rooms: rooms.map(({ history: _, ...room }) => room) };
}
