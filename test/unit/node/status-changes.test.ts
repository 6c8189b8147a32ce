import { describe, expect, it } from 'vitest';
import { KnownStatus } from '../../../src/core/node/known-status.ts';
import { statusChanges } from '../../../src/core/node/status-changes.ts';
import type { NodeStatus, OccupantStatus, RoomStatus } from '../../../src/core/node/trace.ts';
import { nodeLimits } from '../../../src/core/xmpp/size.ts';
import { instant } from '../../../src/core/xmpp/time.ts';
import { escapeText, utf8Length } from '../../../src/core/xmpp/xml.ts';

const occupant = (n: number, more: Partial<OccupantStatus> = {}): OccupantStatus => ({
  nick: `nick${n}`,
  jid: `user${n}@lit/r`,
  role: 'participant',
  affiliation: 'none',
  ...more,
});
const many = <T>(count: number, of: (n: number) => T) => Array.from({ length: count }, (_, n) => of(n));
const room = (n: number, occupants: number, more: Partial<RoomStatus> = {}): RoomStatus => ({
  room: `room${n}@rooms.lit`,
  role: 'plain',
  epoch: 1,
  historyLength: 0,
  subject: '',
  occupants: many(occupants, (who) => occupant(who)),
  peers: [],
  ...more,
});
const service = (...rooms: RoomStatus[]): NodeStatus => ({ address: 'rooms.lit', server: 'lit', rooms });
const bytes = (value: unknown) => utf8Length(escapeText(JSON.stringify(value)));

/** What a reader knows who was told of all these, one after the other. */
function told(...statuses: readonly NodeStatus[]) {
  const known = new KnownStatus();
  for (const [i, now] of statuses.entries()) for (const part of statusChanges(statuses[i - 1], now)) known.take(part);
  return known.status;
}

describe('What a node is, as differences', () => {
  it('says all at first, and nothing where nothing has changed', () => {
    const status = service(room(1, 2), room(2, 1));
    expect(statusChanges(undefined, status)).toEqual([{ status }]);
    expect(statusChanges(status, service(room(1, 2), room(2, 1)))).toEqual([]);
    expect(statusChanges(undefined, service())).toEqual([{ status: service() }]);
  });

  it('names only rooms that are new, have changed or are gone; a small one is whole', () => {
    const before = service(room(1, 2), room(2, 1), room(3, 1));
    const now = service(room(1, 2), room(2, 2), room(4, 0));
    expect(statusChanges(before, now)).toEqual([
      { changes: true, status: service(room(2, 2), room(4, 0)) },
      { changes: true, status: service(), goneRooms: ['room3@rooms.lit'] },
    ]);
    expect(told(before, now)).toEqual(now);
  });

  it('of a large room names only the occupants and peers that are new, have changed or are gone', () => {
    const peer = (state: 'live' | 'split') => ({ peer: 'replica@lit', state, since: instant(1) });
    const before = service(room(1, 100, { peers: [peer('live')] }));
    const others = many(99, (n) => occupant(n)).with(7, occupant(7, { role: 'moderator' }));
    const now = service(
      room(1, 0, { occupants: [...others, occupant(200)], peers: [peer('split')], historyLength: 3 }),
    );
    const changes = statusChanges(before, now).flatMap(({ status }) => status.rooms);
    expect(changes.every((change) => change.changes && change.historyLength === 3)).toBe(true);
    expect(changes.flatMap(({ occupants }) => occupants)).toEqual([occupant(7, { role: 'moderator' }), occupant(200)]);
    expect(changes.flatMap(({ peers }) => peers)).toEqual([peer('split')]);
    expect(changes.flatMap(({ goneOccupants = [] }) => goneOccupants)).toEqual(['nick99']);
    expect(told(before, now)).toEqual(now);
  });

  it.each([
    ['20,000 rooms', [service(...many(20_000, (n) => room(n, 1)))]],
    ['20,000 occupants of one room', [service(room(1, 20_000))]],
    ['occupants with many long addresses of sessions', [service(room(1, 0, { occupants: many(200, long) }))]],
    [
      'signs that XML escapes',
      [service(room(1, 0, { occupants: many(2000, (n) => ({ ...occupant(n), show: '&'.repeat(200) })) }))],
    ],
    ['all rooms gone', [service(...many(20_000, (n) => room(n, 1))), service()]],
    ['all occupants gone', [service(room(1, 20_000)), service(room(1, 0))]],
    ['a room that grows large, and small', [service(room(1, 3)), service(room(1, 3000)), service(room(1, 2))]],
  ])('no record is near what a server takes from a node, and all is said: %s', (_, statuses) => {
    for (const [i, now] of statuses.entries())
      for (const part of statusChanges(statuses[i - 1], now)) expect(bytes(part)).toBeLessThan(nodeLimits.bytes / 2);
    expect(told(...statuses)).toEqual(statuses.at(-1));
  });

  it('a node that starts again is only what it says then', () => {
    const known = new KnownStatus();
    for (const part of statusChanges(undefined, service(room(1, 2)))) known.take(part);
    for (const part of statusChanges(undefined, service(room(2, 2)))) known.take(part);
    expect(known.status).toEqual(service(room(2, 2)));
  });
});

function long(n: number): OccupantStatus {
  return occupant(n, { sessions: 30, sessionJids: many(30, (i) => `${'x'.repeat(1000)}${n}@lit/${i}`) });
}
