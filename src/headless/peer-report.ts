import type { StatusRecord, StepRecord } from '../core/node/trace.ts';

function isOnTheWay(state: string, isKnown: boolean): boolean {
  return state === 'joining' || (state === 'split' && !isKnown);
}

/** What the lines call the other end of a link. */
function nameOf(role: string, peer: string): string {
  if (role === 'replica') return 'replica';
  return `${role === 'source' ? 'shadow' : role === 'shadow' ? 'instance' : 'replica'} ${peer}`;
}

/**
 * Prints one line whenever a primary or replica (XEP-0282), or another instance of a room (XEP-0281), becomes live, splits or is
 * refused, with the reason that the node noted. This is for people who run a node without a page.
 */
export function peerReport(say: (line: string) => void): (batch: readonly (StepRecord | StatusRecord)[]) => void {
  const known = new Map<string, string>();
  const reasons = new Map<string, string>();
  return (batch) => {
    for (const record of batch) {
      if (record.kind === 'step') {
        for (const { room, peer, what, sign } of record.notes)
          if (sign !== undefined && sign !== 'netjoin' && sign !== 'judged') reasons.set(`${room} ${peer}`, what);
        continue;
      }
      const forget = (room: string, isGone: (peer: string) => boolean) => {
        for (const key of known.keys())
          if (key.startsWith(`${room} `) && isGone(key.slice(room.length + 1))) known.delete(key);
      };
      for (const room of record.goneRooms ?? []) forget(room, () => true);
      for (const { room, role, peers, changes, gonePeers = [] } of record.status.rooms) {
        forget(room, (one) => (changes ? gonePeers.includes(one) : !peers.some(({ peer }) => peer === one)));
        for (const { peer, state } of peers) {
          const key = `${room} ${peer}`;
          const reason = state === 'live' ? undefined : reasons.get(key);
          if (known.get(key) === state || state === 'syncing') continue;
          // An instance that is found for the first time is live in a moment, if nothing is in the way.
          if ((role === 'source' || role === 'shadow') && reason === undefined && isOnTheWay(state, known.has(key)))
            continue;
          known.set(key, state);
          say(`${room}: ${nameOf(role, peer)} ${state}${reason === undefined ? '' : ` (${reason})`}`);
        }
      }
    }
  };
}
