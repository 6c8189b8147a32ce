import type { DistributedRoomConfig } from '../../core/distribution/config.ts';
import { isOwnUser } from '../../core/distribution/scope.ts';
import type { Occupant, RoomEvent } from '../../core/room/event.ts';
import { readAsked } from '../../core/xep/instances.ts';
import { type Affiliation, readMucUser } from '../../core/xep/xep0045.ts';
import { bareOf, domainOf, type Jid, parseJid } from '../../core/xmpp/jid.ts';
import { NS } from '../../core/xmpp/namespaces.ts';
import { payloadOf, type Stanza } from '../../core/xmpp/stanza.ts';
import { textOf } from '../../core/xmpp/xml.ts';
import type { Checker, Place } from '../judge.ts';
import type { RecordOf, Violation } from '../trace.ts';
import { has, sessionsOf, userOf } from './occupants.ts';

/** What a node knows of a room, apart from its occupants. */
interface Known {
  readonly config: DistributedRoomConfig;
  /** Replicas take everything from their primary. */
  readonly replica: boolean;
  readonly affiliations: Map<Jid, Affiliation>;
  moderated: boolean;
  changeSubject: boolean;
}

/**
 * G9: what §8.1 of XEP-0045 calls a message is no subject at any node; every change of affiliation, role, configuration, subject or ban, every kick and every word at the node where it is
 * decided was asked for by somebody who may, and nobody who is banned gets in; replicas take all of it from their primary
 * alone.
 */
export const authority: Checker = ({ trace, people, world }) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const users = new Set(people.map(({ jid }) => jid));
  const known = new Map<Place, Known | undefined>();
  const knownAt = (place: Place): Known | undefined => {
    if (!known.has(place)) known.set(place, configured(place));
    return known.get(place);
  };
  const configured = ({ node, room }: Place): Known | undefined => {
    const there = world?.plan.layout.nodes.find(({ address }) => address === node);
    if (there === undefined || node === world?.plan.hostileNode) return undefined;
    const config = (there.kind === 'replica' ? [there.room] : there.rooms).find(({ jid }) => jid === room);
    return (
      config && {
        config,
        replica: there.kind === 'replica',
        affiliations: new Map(config.affiliations),
        moderated: config.moderated,
        changeSubject: config.changeSubject,
      }
    );
  };
  // Of the groupchat messages that name a subject: those that change none (§8.1), and those that do.
  const messages = new Set<string>();
  const changes = new Set<string>();
  const subjects = ({ stanza }: RecordOf<'in'>) => {
    if (stanza.type !== 'groupchat') return;
    const has = (name: string) => payloadOf(stanza, name, NS.client);
    const subject = has('subject');
    if (subject) (has('body') || has('thread') ? messages : changes).add(textOf(subject));
  };
  const mistaken = (event: RoomEvent, { node }: Place, i: number) => {
    if (node === world?.plan.hostileNode || (event.kind !== 'subjectChanged' && event.kind !== 'stateReplaced')) return;
    const text = event.subject?.text ?? '';
    if (messages.has(text) && !changes.has(text))
      violations.push({ invariant: 'G9', what: `at ${node} a message is taken for the subject "${text}"`, at: i });
  };
  const wrong = (what: string, { node }: Place, from: Jid | undefined, at: number) =>
    violations.push({ invariant: 'G9', what: `at ${node}: ${what}, asked for by ${from ?? 'nobody'}`, at });

  const atReplica = (event: RoomEvent, place: Place, from: Jid | undefined, i: number) => {
    const allowed = from !== undefined && bareOf(from) === place.room;
    switch (event.kind) {
      case 'occupantChanged': {
        const before = place.occupants.get(event.occupant.nick);
        if (!before || sameRank(before, event.occupant)) return;
        exercised++;
        if (!allowed) wrong(`${event.occupant.nick} becomes ${rankOf(event.occupant)}`, place, from, i);
        return;
      }
      case 'occupantEntered': {
        const { nick, jid, provisional } = event.occupant;
        if (!provisional || jid === undefined) return;
        exercised++;
        const banned = [bareOf(jid), domainOf(jid)].some(
          (user) => knownAt(place)?.affiliations.get(user) === 'outcast',
        );
        if (banned) wrong(`${nick}, who is banned, is let in`, place, from, i);
        return;
      }
      case 'stateReplaced':
      case 'affiliationChanged':
      case 'roomConfigured':
      case 'subjectChanged':
        exercised++;
        if (!allowed) wrong(event.kind, place, from, i);
    }
  };

  /** @param named  the user whom a presence is about, by bare JID */
  const atDecider = (
    event: RoomEvent,
    place: Place,
    room: Known,
    from: Jid | undefined,
    named: Jid | undefined,
    i: number,
  ) => {
    const affiliation = () => (from === undefined ? 'none' : (room.affiliations.get(bareOf(from)) ?? 'none'));
    const rules = () => affiliation() === 'owner' || affiliation() === 'admin';
    const actor = () => (from === undefined ? undefined : actorOf(place, room, from));
    switch (event.kind) {
      case 'affiliationChanged': {
        exercised++;
        const own =
          from !== undefined &&
          event.user === bareOf(from) &&
          (event.affiliation === 'member' || event.affiliation === 'none');
        if (!rules() && !own) wrong(`${event.user} becomes ${event.affiliation}`, place, from, i);
        if (affiliation() === 'admin' && !own) {
          const before = room.affiliations.get(event.user) ?? 'none';
          if ([before, event.affiliation].some((rank) => rank === 'owner' || rank === 'admin'))
            wrong(`${event.user} becomes ${event.affiliation} by an admin`, place, from, i);
        }
        return;
      }
      case 'roomConfigured':
      case 'roomDestroyed':
        exercised++;
        if (affiliation() !== 'owner') wrong(event.kind, place, from, i);
        return;
      case 'occupantChanged': {
        const before = place.occupants.get(event.occupant.nick);
        // The rank of another FMUC node's users is only claimed, and does not count here.
        if (
          !before ||
          sameRank(before, event.occupant) ||
          (event.occupant.home !== undefined && room.config.distribution.kind === 'fmuc')
        )
          return;
        // A shadow says who they are, also if their session is known here under another nick.
        const isOther = userOf(before) !== userOf(event.occupant);
        // Or does not, and then they have no rank.
        const listed = (named === undefined ? undefined : room.affiliations.get(named)) ?? 'none';
        const isListed =
          event.occupant.affiliation === listed && (named !== undefined || event.occupant.role !== 'moderator');
        const isHidden = isListed && userOf(event.occupant) === undefined;
        if (event.occupant.home !== undefined && (isOther || isHidden)) return;
        exercised++;
        // A user who registers or resigns changes their own rank, but does not become a moderator.
        const { role, affiliation: rank } = event.occupant;
        const own =
          from !== undefined &&
          userOf(event.occupant) === bareOf(from) &&
          role !== 'moderator' &&
          (rank === 'member' || rank === 'none');
        if (!rules() && actor()?.role !== 'moderator' && !own)
          wrong(`${event.occupant.nick} becomes ${rankOf(event.occupant)}`, place, from, i);
        return;
      }
      case 'occupantEntered': {
        const { nick, jid, home } = event.occupant;
        // A ban is the node's own: a user whom another FMUC node lets in is in there (decision #62).
        if (jid === undefined || (home !== undefined && room.config.distribution.kind === 'fmuc')) return;
        exercised++;
        if (room.affiliations.get(bareOf(jid)) === 'outcast') wrong(`${nick}, who is banned, is in`, place, from, i);
        return;
      }
      case 'occupantLeft':
      case 'nickChanged': {
        // What a node says of its own users, or a timer finds out, is no user's doing; and with its last user a FMUC node
        // forgets everybody else's.
        const whom = place.occupants.get(event.nick);
        if (from === undefined || !users.has(from) || whom === undefined) return;
        if (whom.home !== undefined && room.config.distribution.kind === 'fmuc') return;
        // Whose nick gets free by an order, theirs is given back to others (decision #207).
        if (event.kind === 'nickChanged' && whom.home !== undefined && event.nick.startsWith(`${event.newNick} (`))
          return;
        exercised++;
        // A user who loses membership by their own word is out under each of their nicks.
        const kick =
          event.kind === 'occupantLeft' && (rules() || actor()?.role === 'moderator' || userOf(whom) === bareOf(from));
        if (!has(whom, from) && !kick) {
          const what =
            event.kind === 'occupantLeft' ? `${event.nick} is out` : `${event.nick} becomes ${event.newNick}`;
          wrong(what, place, from, i);
        }
        return;
      }
      case 'messageAccepted': {
        if (from === undefined || !users.has(from)) return;
        exercised++;
        const speaker = actor();
        if (speaker?.nick !== event.item.nick || (room.moderated && speaker.role === 'visitor'))
          wrong(`words of ${event.item.nick}`, place, from, i);
        return;
      }
      case 'subjectChanged': {
        // The one that the room starts with.
        if (from === undefined && event.subject.text === room.config.subject) return;
        if (from !== undefined && isPeer(room.config, from)) return;
        exercised++;
        const setter = actor();
        if (setter?.role !== 'moderator' && !(room.changeSubject && setter?.role === 'participant'))
          wrong(`subject "${event.subject.text}"`, place, from, i);
      }
    }
  };

  return {
    other(record) {
      // Without its log a node knows only its configuration.
      if (record.kind !== 'forgotten') return;
      for (const place of known.keys()) if (place.node === record.node) known.delete(place);
    },
    said: subjects,
    kept(event, place, record, i) {
      mistaken(event, place, i);
      const room = knownAt(place);
      if (room === undefined) return;
      const cause = record.cause === undefined ? undefined : trace[record.cause];
      const from = cause?.kind === 'out' ? askerOf(cause.stanza, room.config) : undefined;
      if (room.replica) atReplica(event, place, from, i);
      else atDecider(event, place, room, from, cause?.kind === 'out' ? namedIn(cause.stanza) : undefined, i);
      learn(room, event);
    },
    verdict: () => ({ violations, exercised }),
  };
};

/** Who asks for something: by a shadow of XEP-0281, a user of its server. */
function askerOf({ from, payloads }: Stanza, config: DistributedRoomConfig): Jid {
  const asked = isPeer(config, from) ? readAsked(payloads) : undefined;
  return asked !== undefined && isOwnUser(bareOf(from), asked.from) ? asked.from : from;
}

function namedIn({ payloads }: Stanza): Jid | undefined {
  const user = parseJid(readMucUser(payloads)?.jid ?? '');
  return user && bareOf(user);
}

/** The occupant who asks, unless another FMUC node serves them: no rank of theirs counts here. */
function actorOf({ occupants }: Place, { config }: Known, from: Jid): Occupant | undefined {
  for (const occupant of occupants.values())
    for (const { jid, home } of sessionsOf(occupant))
      if (jid === from && (home === undefined || vouches(config))) return occupant;
  // Of a shadow's user the source need not know each session.
  if (config.distribution.kind !== 'source') return undefined;
  return [...occupants.values()].find((other) => other.home !== undefined && userOf(other) === bareOf(from));
}

/** Whether those who come by another node have the rank that this one gives them. */
function vouches({ distribution: { kind } }: DistributedRoomConfig): boolean {
  return kind === 'primary' || kind === 'source';
}

function sameRank(a: Occupant, b: Occupant): boolean {
  return a.role === b.role && a.affiliation === b.affiliation;
}

function rankOf({ role, affiliation }: Occupant): string {
  return `${affiliation}/${role}`;
}

/** A FMUC room that this one joined or lets in vouches for its users; so does a shadow. */
function isPeer({ distribution }: DistributedRoomConfig, from: Jid): boolean {
  const peer = bareOf(from);
  if (distribution.kind === 'source') return distribution.peerhosts.includes(domainOf(peer));
  return (
    distribution.kind === 'fmuc' && (distribution.outbound.includes(peer) || distribution.allowedNodes.includes(peer))
  );
}

/** What the node knows afterwards. */
function learn(room: Known, event: RoomEvent): void {
  if (event.kind === 'affiliationChanged') {
    if (event.affiliation === 'none') room.affiliations.delete(event.user);
    else room.affiliations.set(event.user, event.affiliation);
  } else if (event.kind === 'roomConfigured') {
    room.moderated = event.changes.moderated ?? room.moderated;
    room.changeSubject = event.changes.changeSubject ?? room.changeSubject;
  }
}
