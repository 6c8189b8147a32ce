import type { Protocol } from '../distribution/protocol.ts';
import { byEntry, everySession } from '../room/sessions.ts';
import type { RoomView } from '../room/state.ts';
import { shownRank } from '../room/visibility.ts';
import { NS } from '../xmpp/namespaces.ts';
import { textOf } from '../xmpp/xml.ts';
import type { RoomStatus } from './trace.ts';

/** Characters of what users say of themselves and of the room: it is said again with every change. */
const wordsMax = 1000;

/** What a node's status says of one room. */
export function roomStatus(room: RoomView, protocol: Protocol): RoomStatus {
  return {
    room: room.jid,
    ...protocol.status(room),
    epoch: room.epoch,
    historyLength: room.history.length,
    subject: beginningOf(room.subject?.text ?? ''),
    occupants: [...room.occupants.values()].map((occupant) => {
      const { nick, jid, home, presence, cutOff, provisional, sessions } = occupant;
      const { role, affiliation } = shownRank(room, occupant);
      const show = presence.find((payload) => payload.name === 'show' && payload.xmlns === NS.client);
      return {
        nick,
        role,
        affiliation,
        ...(jid === undefined ? {} : { jid }),
        ...(home === undefined ? {} : { home }),
        ...(show ? { show: beginningOf(textOf(show)) } : {}),
        ...(cutOff ? { cutOff } : {}),
        ...(provisional ? { provisional } : {}),
        ...(sessions ? { sessions: everySession(occupant).length, sessionJids: byEntry(occupant) } : {}),
      };
    }),
    peers: [...room.peers].map(([peer, { state, since, reason }]) => ({
      peer,
      state,
      since,
      ...(reason === undefined ? {} : { reason }),
    })),
  };
}

function beginningOf(text: string): string {
  if (text.length <= wordsMax) return text;
  return `${text.slice(0, wordsMax).replace(/[\ud800-\udbff]$/, '')}…`;
}
