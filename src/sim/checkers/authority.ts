import type { RoomConfig } from '../../core/room/config.ts';
import type { Occupant, RoomEvent } from '../../core/room/event.ts';
import type { Affiliation } from '../../core/xep/xep0045.ts';
import { bareOf, type Jid } from '../../core/xmpp/jid.ts';
import type { Evidence } from '../evidence.ts';
import type { Verdict, Violation } from '../trace.ts';
import { fold, type Occupants } from './occupants.ts';

interface Known {
  readonly config: RoomConfig;
  readonly affiliations: Map<Jid, Affiliation>;
  readonly occupants: Occupants;
  moderated: boolean;
  changeSubject: boolean;
}

/**
 * G9: every change of affiliation, role, configuration, subject or ban, every kick and every word at the node where it is
 * decided was asked for by somebody who may; replicas take all of it from their primary alone.
 */
export function authority({ trace, kept, people, world }: Evidence): Verdict {
  const violations: Violation[] = [];
  let exercised = 0;
  if (!world) return { violations, exercised };
  const users = new Set(people.map(({ jid }) => jid));
  const rooms = new Map<string, Known>();
  const kinds = new Map<Jid, 'service' | 'replica'>();
  for (const node of world.plan.layout.nodes) {
    kinds.set(node.address, node.kind);
    for (const config of node.kind === 'replica' ? [node.room] : node.rooms)
      rooms.set(`${node.address} ${config.jid}`, {
        config,
        affiliations: new Map(config.affiliations),
        occupants: new Map(),
        moderated: config.moderated,
        changeSubject: config.changeSubject,
      });
  }
  for (const { i, record } of kept) {
    if (record.node === world.plan.hostileNode) continue;
    const cause = record.cause === undefined ? undefined : trace[record.cause];
    const from = cause?.kind === 'out' ? cause.stanza.from : undefined;
    for (const event of record.events) {
      const room = rooms.get(`${record.node} ${event.room}`);
      if (room === undefined) continue;
      const wrong = (what: string) =>
        violations.push({
          invariant: 'G9',
          what: `at ${record.node}: ${what}, asked for by ${from ?? 'nobody'}`,
          at: i,
        });
      if (kinds.get(record.node) === 'replica') {
        if (
          event.kind !== 'stateReplaced' &&
          event.kind !== 'affiliationChanged' &&
          event.kind !== 'roomConfigured' &&
          event.kind !== 'subjectChanged'
        ) {
          if (event.kind === 'occupantChanged') {
            const before = room.occupants.get(event.occupant.nick);
            if (before && rankOf(before) !== rankOf(event.occupant)) {
              exercised++;
              if (from === undefined || bareOf(from) !== event.room)
                wrong(`${event.occupant.nick} becomes ${rankOf(event.occupant)}`);
            }
          }
        } else {
          exercised++;
          if (from === undefined || bareOf(from) !== event.room) wrong(event.kind);
        }
        learn(room, event);
        continue;
      }
      const affiliation = from === undefined ? 'none' : (room.affiliations.get(bareOf(from)) ?? 'none');
      const actor =
        from === undefined
          ? undefined
          : [...room.occupants.values()].find(
              ({ jid, home }) => jid === from && (home === undefined || room.config.distribution.kind === 'primary'),
            );
      const rules = affiliation === 'owner' || affiliation === 'admin';
      switch (event.kind) {
        case 'affiliationChanged': {
          exercised++;
          const own =
            from !== undefined &&
            event.user === bareOf(from) &&
            (event.affiliation === 'member' || event.affiliation === 'none');
          if (!rules && !own) wrong(`${event.user} becomes ${event.affiliation}`);
          if (affiliation === 'admin' && !own) {
            const before = room.affiliations.get(event.user) ?? 'none';
            if ([before, event.affiliation].some((rank) => rank === 'owner' || rank === 'admin'))
              wrong(`${event.user} becomes ${event.affiliation} by an admin`);
          }
          break;
        }
        case 'roomConfigured':
        case 'roomDestroyed':
          exercised++;
          if (affiliation !== 'owner') wrong(event.kind);
          break;
        case 'occupantChanged': {
          const before = room.occupants.get(event.occupant.nick);
          // Of people of another FMUC node only a claim is known, which is good for nothing here.
          if (
            !before ||
            rankOf(before) === rankOf(event.occupant) ||
            (event.occupant.home !== undefined && room.config.distribution.kind === 'fmuc')
          )
            break;
          exercised++;
          // Who registers or resigns changes their own rank, but makes no moderator of themselves.
          const { role, affiliation: rank } = event.occupant;
          const own =
            from !== undefined &&
            event.occupant.jid === from &&
            role !== 'moderator' &&
            (rank === 'member' || rank === 'none');
          if (!rules && actor?.role !== 'moderator' && !own)
            wrong(`${event.occupant.nick} becomes ${rankOf(event.occupant)}`);
          break;
        }
        case 'occupantLeft':
        case 'nickChanged': {
          // What a node says of its own users, or a timer finds out, is no user's doing; and with its last user a FMUC node
          // forgets everybody else's.
          const whom = room.occupants.get(event.nick);
          if (from === undefined || !users.has(from) || whom === undefined) break;
          if (whom.home !== undefined && room.config.distribution.kind === 'fmuc') break;
          exercised++;
          const kick = event.kind === 'occupantLeft' && (rules || actor?.role === 'moderator');
          if (whom.jid !== from && !kick)
            wrong(event.kind === 'occupantLeft' ? `${event.nick} is out` : `${event.nick} becomes ${event.newNick}`);
          break;
        }
        case 'messageAccepted': {
          if (from === undefined || !users.has(from)) break;
          exercised++;
          if (actor?.nick !== event.item.nick || (room.moderated && actor.role === 'visitor'))
            wrong(`words of ${event.item.nick}`);
          break;
        }
        case 'subjectChanged': {
          // The one that the room starts with.
          if (from === undefined && event.subject.text === room.config.subject) break;
          if (from !== undefined && isPeer(room.config, from)) break;
          exercised++;
          if (actor?.role !== 'moderator' && !(room.changeSubject && actor?.role === 'participant'))
            wrong(`subject "${event.subject.text}"`);
          break;
        }
      }
      learn(room, event);
    }
  }
  return { violations, exercised };
}

function rankOf({ role, affiliation }: Occupant): string {
  return `${affiliation}/${role}`;
}

/** A FMUC room that this one joined or lets in vouches for its users. */
function isPeer({ distribution }: RoomConfig, from: Jid): boolean {
  const peer = bareOf(from);
  return distribution.kind === 'fmuc' && (distribution.outbound === peer || distribution.allowedNodes.includes(peer));
}

/** What the node knows afterwards. */
function learn(room: Known, event: RoomEvent): void {
  if (event.kind === 'affiliationChanged') {
    if (event.affiliation === 'none') room.affiliations.delete(event.user);
    else room.affiliations.set(event.user, event.affiliation);
  } else if (event.kind === 'roomConfigured') {
    room.moderated = event.changes.moderated ?? room.moderated;
    room.changeSubject = event.changes.changeSubject ?? room.changeSubject;
  } else fold(room.occupants, event);
}
