/** XEP-0281 §3.4, §3.6: what this instance tells the others. Each tells of its own users alone, and passes nothing on. */
import type { Change, ChangeOf } from '../../room/change.ts';
import { isLocal, type Occupant, sameOccupant } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { asFirst, sessionsOf } from '../../room/sessions.ts';
import { looksDifferent, type PresenceParts, unavailable } from '../../room/visibility.ts';
import type { Spec } from '../../turn/spec.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import { pushConfig, tellEntry } from './configuration.ts';
import { shadowsOf } from './linking.ts';
import { type Links, sourceOf } from './links.ts';
import { instanceMessage, occupantPresence, occupantRename, verdict } from './stanzas.ts';

export class Spreading {
  readonly #links: Links;
  /** This instance's own users as they were told last, by nick. */
  readonly #told = new Map<string, Occupant>();
  /** What happens now was said by this instance, and is no news to it. */
  #teller: Jid | undefined;

  constructor(links: Links) {
    this.#links = links;
  }

  /** What follows from what another instance says. */
  hears(peer: Jid, take: () => void): void {
    this.#teller = peer;
    take();
    this.#teller = undefined;
  }

  /** What it asks for in the name of a user of its own this one decides, and it has yet to hear of that. */
  decides<T>(take: () => T): T {
    const teller = this.#teller;
    this.#teller = undefined;
    const result = take();
    this.#teller = teller;
    return result;
  }

  /** To every other instance, what is of this one; and what the source decides, to whom it concerns. */
  spread(turn: RoomTurn, change: Change): void {
    const { room } = turn;
    switch (change.kind) {
      case 'entered':
        return this.#presence(turn, change.occupant, {});
      case 'presence':
        if (change.before && change.occupant.home === undefined)
          return this.#sessions(turn, change.before, change.occupant);
        return this.#presence(turn, change.occupant, change.parts ?? {});
      case 'sessionLeft':
        return this.#sessions(turn, change.before, change.after);
      case 'left':
        return change.alone ? undefined : this.#leave(turn, change);
      case 'renamed': {
        const { before, after } = change;
        if (after.home !== undefined) return;
        if (sessionsOf(after).length > sessionsOf(before).length) {
          this.spread(turn, { kind: 'left', occupant: before, parts: { payloads: [] } });
          return this.spread(turn, { kind: 'presence', occupant: after });
        }
        this.#told.delete(before.nick);
        this.#told.set(after.nick, after);
        return this.#tell(turn, '0281#3.6', (peer) => occupantRename(room, this.#links, before, after, peer));
      }
      case 'message':
      case 'subject':
        if (change.item.by === room.jid && !change.late)
          this.#tell(turn, '0281#3.6', (peer) => [instanceMessage(room, change.item, peer)]);
        return;
      case 'affiliated':
      case 'registered': {
        const { user } = change;
        const by = change.kind === 'affiliated' ? change.by : undefined;
        const entry = { user, affiliation: room.affiliationOf(user), nick: room.reservedNicks.get(user), by };
        if (sourceOf(room) === undefined) tellEntry(turn, this.#links, entry);
        return;
      }
      case 'configured':
        if (sourceOf(room) !== undefined || !concernsShadows(change.changes)) return;
        for (const { peer } of this.#links.live()) pushConfig(turn, this.#links, peer, shadowsOf(room), false);
        return;
      default:
        // A user who comes back, an invitation, and the end of the room are no news to instances.
        return;
    }
  }

  #presence(turn: RoomTurn, occupant: Occupant, { item }: PresenceParts): void {
    if (occupant.home !== undefined) return this.#decide(turn, occupant, occupant.role, { item: whoAndWhy(item) });
    const told = this.#told.get(occupant.nick);
    // A change of the configuration, which all have, makes everybody's presence new here.
    if (told !== undefined && item === undefined && sameOccupant(told, occupant)) return;
    this.#told.set(occupant.nick, occupant);
    const parts = { item: whoAndWhy(item) };
    this.#tell(turn, '0281#3.4', (peer) => [occupantPresence(turn.room, this.#links, occupant, peer, parts)]);
  }

  #leave(turn: RoomTurn, { occupant, parts }: ChangeOf<'left'>): void {
    const { affiliation = occupant.affiliation } = parts.item ?? {};
    const gone = unavailable({ ...parts, destroy: undefined, item: { ...whoAndWhy(parts.item), affiliation } });
    if (occupant.home !== undefined) return this.#decide(turn, occupant, 'none', gone);
    this.#told.delete(occupant.nick);
    this.#tell(turn, '0281#3.6', (peer) => [occupantPresence(turn.room, this.#links, occupant, peer, gone)]);
  }

  /** Decision #141. */
  #sessions(turn: RoomTurn, before: Occupant, after: Occupant): void {
    if (after.home !== undefined && !isLocal(asFirst(after))) return;
    const sameFirst = asFirst(before).jid === asFirst(after).jid;
    if (sameFirst && !looksDifferent(before, after, false)) return;
    this.#told.set(after.nick, after);
    this.#tell(turn, '0281#3.6', (peer) => [occupantPresence(turn.room, this.#links, after, peer)]);
  }

  #tell(turn: RoomTurn, spec: Spec, write: (peer: Jid) => readonly Stanza[]): void {
    for (const link of this.#links.live()) for (const stanza of write(link.peer)) link.send(turn, stanza, spec);
  }

  /** Decision #204: what the source decides about a user of a shadow, that one does, unless it has done so by itself. */
  #decide(turn: RoomTurn, occupant: Occupant, role: Occupant['role'], parts: PresenceParts): void {
    const { home, nick } = occupant;
    if (sourceOf(turn.room) !== undefined || home === undefined || home === this.#teller) return;
    const theirs = this.#links.theirsOf(home, nick);
    if (this.#links.claimOf(home, theirs) === role) return;
    if (role !== 'none') this.#links.claims(home, theirs, role);
    this.#links.of(home)?.send(turn, verdict(turn.room, this.#links, occupant, home, parts), 'decision#204');
  }
}

/** Who did it, by nick, and why. */
function whoAndWhy(item: PresenceParts['item']): PresenceParts['item'] {
  if (item?.actor === undefined && item?.reason === undefined) return undefined;
  return { actor: item.actor, reason: item.reason };
}

/** Decision #201: how the room is distributed is not in the configuration that shadows have, and who they are, those hear who stay. */
function concernsShadows({ nodes: _, distributed: __, ...changes }: ChangeOf<'configured'>['changes']): boolean {
  return Object.keys(changes).length > 0;
}
