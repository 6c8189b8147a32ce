import type { RoomConfig } from '../../core/room/config.ts';
import type { Occupant } from '../../core/room/event.ts';
import type { Affiliation } from '../../core/xep/xep0045.ts';
import { bareOf, domainOf, type Jid } from '../../core/xmpp/jid.ts';
import type { Evidence } from '../evidence.ts';
import type { Verdict, Violation } from '../trace.ts';

interface Known {
  readonly config: RoomConfig;
  readonly affiliations: Map<Jid, Affiliation>;
  occupants: Map<string, Occupant>;
  moderated: boolean;
  changeSubject: boolean;
}

/**
 * G9: every change of affiliation, role, configuration, subject or ban at the node where it is decided was asked for by
 * somebody who may; replicas take all of it from their primary alone.
 */
export function authority({ trace, undone, world }: Evidence): Verdict {
  const violations: Violation[] = [];
  let exercised = 0;
  if (!world) return { violations, exercised };
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
  for (const [i, record] of trace.entries()) {
    if (record.kind !== 'append' || undone.has(i) || record.node === world.plan.hostileNode) continue;
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
        fold(room, event);
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
          if (!rules && actor?.role !== 'moderator' && event.occupant.jid !== from)
            wrong(`${event.occupant.nick} becomes ${rankOf(event.occupant)}`);
          break;
        }
        case 'subjectChanged': {
          if (from === undefined) break;
          const peer =
            room.config.distribution.kind === 'fmuc' && world.seats.has(domainOf(from)) && bareOf(from) !== event.room;
          if (peer) break;
          exercised++;
          if (actor?.role !== 'moderator' && !(room.changeSubject && actor?.role === 'participant'))
            wrong(`subject "${event.subject.text}"`);
          break;
        }
      }
      fold(room, event);
    }
  }
  return { violations, exercised };
}

function rankOf({ role, affiliation }: Occupant): string {
  return `${affiliation}/${role}`;
}

type Event = Extract<Evidence['trace'][number], { kind: 'append' }>['events'][number];

/** What the node knows afterwards, read from its events apart from the code that applies them. */
function fold(room: Known, event: Event): void {
  switch (event.kind) {
    case 'affiliationChanged':
      if (event.affiliation === 'none') room.affiliations.delete(event.user);
      else room.affiliations.set(event.user, event.affiliation);
      break;
    case 'roomConfigured':
      room.changeSubject = event.changes.changeSubject ?? room.changeSubject;
      room.moderated = event.changes.moderated ?? room.moderated;
      break;
    case 'stateReplaced':
      room.occupants = new Map(event.occupants.map((occupant) => [occupant.nick, occupant]));
      break;
    case 'occupantEntered':
    case 'occupantChanged':
      room.occupants.set(event.occupant.nick, event.occupant);
      break;
    case 'occupantLeft':
      room.occupants.delete(event.nick);
      break;
    case 'nickChanged': {
      const occupant = room.occupants.get(event.nick);
      room.occupants.delete(event.nick);
      if (occupant) room.occupants.set(event.newNick, { ...occupant, nick: event.newNick });
      break;
    }
  }
}
