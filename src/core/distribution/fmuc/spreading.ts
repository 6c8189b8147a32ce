/** What this node tells the nodes that it is linked with: XEP-0289 §5.2 to §5.4, decision #145. */
import type { Change } from '../../room/change.ts';
import type { Occupant } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { asFirst, sessionsOf } from '../../room/sessions.ts';
import { looksDifferent, unavailable } from '../../room/visibility.ts';
import type { Spec } from '../../turn/spec.ts';
import type { Trail } from '../../xep/fmuc-sync.ts';
import { assertNever } from '../../xmpp/errors.ts';
import { bareOf, type Jid, resourceOf } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import type { Link } from '../link.ts';
import type { JoiningNode } from './joining-node.ts';
import type { Links } from './links.ts';
import type { Route } from './paths.ts';
import { routeOf, trailOf } from './place.ts';
import { isLeave, isLost } from './reading.ts';
import {
  addressOf,
  isElsewhere,
  nodeHistory,
  nodeMessage,
  nodeSubject,
  occupantPresence,
  occupantRename,
  onward,
  trailed,
  wayOf,
} from './stanzas.ts';

/** Ids by which a change was told: `sent` of the stanza on the link, `echo` of what comes back. Of several stanzas, of the last. */
export interface Asked {
  readonly sent: string;
  readonly echo: string;
}

export class Spreading {
  readonly #links: Links;
  readonly #joining: ReadonlyMap<Jid, JoiningNode>;
  /** What is being taken from another node, as it is passed on; `told`: whether anything was. */
  #passing:
    | (Omit<Trail, 'via'> &
        Route & {
          readonly author: Jid;
          readonly nick: string;
          readonly peer: Jid;
          readonly left: boolean;
          told: boolean;
        })
    | undefined;
  /** What happens now is told over this link alone. */
  #only: { readonly link: Link; asked?: Asked } | undefined;
  /** A node that has had what happens now, and the user of whom it is. */
  #without: (Meant & { readonly peer: Jid }) | undefined;

  constructor(links: Links, joining: ReadonlyMap<Jid, JoiningNode>) {
    this.#links = links;
    this.#joining = joining;
  }

  /**
   * What follows from a stanza of another node about this user goes on under the identity that it has.
   *
   * @returns whether anything followed
   */
  passOn(peer: Jid, author: Jid, stanza: Stanza, take: () => void): boolean {
    const { by = peer, id, order } = trailOf(stanza, peer) ?? {};
    const left = isLeave(stanza) && !isLost(stanza);
    const nick = resourceOf(stanza.from);
    const passing = { author, nick, left, peer, by, id, order, ...routeOf(stanza, peer), told: false };
    this.#passing = passing;
    take();
    this.#passing = undefined;
    return passing.told;
  }

  /**
   * Tells a change over one link alone, before it happens here (decision #150).
   *
   * @returns how it was told; undefined: it is not told to other nodes
   */
  ask(turn: RoomTurn, change: Change, link: Link): Asked | undefined {
    const only: { readonly link: Link; asked?: Asked } = { link };
    this.#only = only;
    this.spread(turn, change);
    this.#only = undefined;
    return only.asked;
  }

  /** What happens to this user in `take` is told to all but this node, which has had it. */
  without(peer: Jid, { author, nick }: Meant, take: () => void): void {
    this.#without = { peer, author, nick };
    take();
    this.#without = undefined;
  }

  /** Whether what happens now follows from a stanza of another node. */
  get isPassing(): boolean {
    return this.#passing !== undefined;
  }

  /** To every linked node but the one it came from. §5.2, §5.3, §5.4. */
  spread(turn: RoomTurn, change: Change): void {
    const { room } = turn;
    if (this.#passing) this.#passing.told = true;
    switch (change.kind) {
      case 'sessionLeft':
        return this.#spreadSessions(turn, change.before, change.after);
      case 'entered':
      case 'presence': {
        const { occupant } = change;
        if (change.kind === 'presence' && change.before) return this.#spreadSessions(turn, change.before, occupant);
        // §5.5: a change of role is told with who made it, and why.
        const item = change.kind === 'presence' ? change.parts?.item : undefined;
        const shared = item && { item: { actor: item.actor, reason: item.reason } };
        return this.#tell(turn, occupant, '0289#5.3', (link) => {
          const side = this.#joining.get(link.peer);
          if (side && this.#links.isOutbound(room, link.peer)) return side.introduced(turn, occupant, shared);
          return occupantPresence(room, occupant, addressOf(link, occupant.nick), shared);
        });
      }
      case 'left': {
        const { occupant } = change;
        const parts = unavailable(change.parts);
        // Decision #148: for all that this node knows they are out here alone, and others may reach them by another way.
        const isKicked = change.parts.statuses?.some((code) => code !== 333) === true;
        const left = occupant.home === undefined || isKicked || this.#passing?.left === true;
        this.#tell(turn, occupant, '0289#5.4', (link) => {
          const stanza = occupantPresence(room, occupant, addressOf(link, occupant.nick), parts);
          return left || !link.counts ? stanza : isElsewhere(stanza, 'now');
        });
        const { jid } = asFirst(occupant);
        if (jid !== undefined) this.#links.paths.forgetUser(jid);
        return;
      }
      case 'renamed':
        // Their own other occupant: to other nodes, who know one session of each, it is a leave.
        if (sessionsOf(change.after).length > sessionsOf(change.before).length) {
          this.spread(turn, { kind: 'left', occupant: change.before, parts: { payloads: [] } });
          return this.spread(turn, { kind: 'presence', occupant: change.after });
        }
        return this.#tell(turn, change.after, '0289#5.3', (link) =>
          occupantRename(room, change.before, change.after, link),
        );
      case 'message':
        return this.#tell(
          turn,
          change.occupant,
          change.late ? '0289#5.1' : '0289#5.2',
          (link) => {
            // Decision #113.
            if (change.item.nick === '' && !link.counts) return undefined;
            if (!change.late) return nodeMessage(room, change.item, link.peer);
            // A node without our extension would show it as if it were said now.
            return link.counts ? nodeHistory(room, change.item, link.peer) : undefined;
          },
          change.late ? true : undefined,
        );
      case 'subject':
        return this.#tell(
          turn,
          change.occupant,
          change.late ? '0289#5.1' : '0289#5.2',
          (link) => (change.late ? nodeSubject(turn, link) : nodeMessage(room, change.item, link.peer)),
          change.late ? true : undefined,
        );
      case 'returned':
      case 'configured':
      case 'affiliated':
      case 'registered':
      case 'invited':
      case 'uninvited':
      case 'destroyed':
        return;
      default:
        assertNever(change);
    }
  }

  /**
   * Decision #141: another session of a user is shown now, or first. A node without our extension knows a user by the JID of
   * before: to it somebody leaves and somebody comes.
   */
  #spreadSessions(turn: RoomTurn, before: Occupant, after: Occupant): void {
    const { room } = turn;
    const sameFirst = asFirst(before).jid === asFirst(after).jid;
    if (sameFirst && !looksDifferent(before, after, false)) return;
    this.#tell(turn, after, '0289#5.3', (link) => {
      const to = addressOf(link, after.nick);
      const gone = occupantPresence(room, before, to, { type: 'unavailable', payloads: [] });
      return [...(sameFirst || link.counts ? [] : [gone]), occupantPresence(room, after, to)];
    });
  }

  /** How something of this user is passed on: as it came, or, if it begins here, as ours. */
  #trailOf(turn: RoomTurn, occupant: Occupant): Trail & { readonly passed: readonly Jid[]; readonly peer?: Jid } {
    const passing = this.#passing;
    if (passing && occupant.home !== undefined && isMeant(asFirst(occupant), passing)) {
      const { by, id, passed, across, peer, author } = passing;
      const order = this.#links.paths.placed(author, passing);
      return { by, id: id ?? turn.env.newId(), via: passed.slice(1), passed, across, peer, order };
    }
    const way = wayOf(this.#links, occupant);
    const id = turn.env.newId();
    if (way === undefined)
      return { by: turn.room.jid, id, via: [], passed: [], order: this.#links.paths.next(turn.env) };
    const { home } = occupant;
    return { ...way, id, passed: [way.by, ...way.via], ...(home === undefined ? {} : { peer: home }) };
  }

  /** To every linked node but those it came by. A node without our extension gets the plain XEP. */
  #tell(
    turn: RoomTurn,
    occupant: Occupant,
    spec: Spec,
    write: (link: Link) => Stanza | readonly Stanza[] | undefined,
    past?: true,
    isSaid = spec === '0289#5.2',
  ): void {
    const { room } = turn;
    const { passed, peer, ...trail } = this.#trailOf(turn, occupant);
    const { jid } = asFirst(occupant);
    if (occupant.home === undefined && jid !== undefined && spec !== '0289#5.2')
      this.#links.paths.isLastOf(jid, trail.order, spec === '0289#5.4', turn.env.now);
    const hearing = this.#only ? [this.#only.link] : this.#links.hearing(room, occupant, passed);
    for (const link of hearing) {
      // Decision #156: nobody there would hear it.
      if (isSaid && this.#links.isRefused(link.peer, asFirst(occupant).jid)) continue;
      if (this.#hasHad(link.peer, occupant, spec)) continue;
      for (const [i, stanza] of [write(link) ?? []].flat().entries()) {
        // Of a new nick's two stanzas the second may say something else at the next node.
        const news = i === 0 ? trail : { ...trail, id: turn.env.newId() };
        const trailTo = { ...onward(room, this.#links, news, peer, link.peer), past };
        const sent = link.send(turn, link.counts ? trailed(room, stanza, trailTo) : stanza, spec);
        if (this.#only) this.#only.asked = { sent, echo: (link.counts ? trailTo.id : undefined) ?? sent };
      }
    }
  }

  /** Whether the node has had it. That somebody else of another node is out because of it, for example with a link, it has not. */
  #hasHad(peer: Jid, occupant: Occupant, spec: Spec): boolean {
    const had = this.#without;
    if (had?.peer !== peer) return false;
    return spec !== '0289#5.4' || occupant.home === undefined || isMeant(asFirst(occupant), had);
  }
}

/** A user of whom something is said. */
interface Meant {
  readonly author: Jid;
  readonly nick?: string | undefined;
}

/** Whether it is the user of whom another node says something: it may know them by another session (decision #141). */
function isMeant({ nick, jid }: Occupant, said: Meant): boolean {
  return jid === said.author || (nick === said.nick && jid !== undefined && bareOf(jid) === bareOf(said.author));
}
