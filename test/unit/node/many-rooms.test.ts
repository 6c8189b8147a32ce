import { describe, expect, it } from 'vitest';
import { createMucNode } from '../../../src/core/node/muc-node.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { presence } from '../../../src/core/xmpp/stanza.ts';
import { instant } from '../../../src/core/xmpp/time.ts';
import { el } from '../../../src/core/xmpp/xml.ts';

const service = jid('rooms.lit');
const via = jid('lit');

function serviceWith(rooms: number) {
  const node = createMucNode({
    kind: 'service',
    address: service,
    server: via,
    openCreation: true,
    lockNewRooms: false,
    admins: [],
    rooms: [],
  });
  let ids = 0;
  const env = { now: instant(1_700_000_000_000), newId: () => `id${++ids}` };
  node.handle({ kind: 'command', command: { name: 'start' } }, env);
  const enters = (n: number, type?: string) =>
    node.handle(
      {
        kind: 'stanza',
        via,
        stanza: presence(
          jid(`user${n}@lit/r`),
          jid(`room${n}@rooms.lit/nick`),
          type === undefined ? {} : { type },
          ...(type === undefined ? [el('x', NS.muc)] : []),
        ),
      },
      env,
    );
  for (let n = 0; n < rooms; n++) enters(n);
  return { node, leaves: (n: number) => enters(n, 'unavailable'), enters };
}

describe('a service with many rooms', () => {
  it('has a status in which only the rooms that something happened to are new', () => {
    const { node, enters } = serviceWith(50);
    const before = node.status().rooms;
    expect(node.status().rooms.every((room, n) => room === before[n])).toBe(true);
    enters(7);
    const after = node.status().rooms;
    expect(after.flatMap((room, n) => (room === before[n] ? [] : [n]))).toEqual([7]);
  });

  it('XEP-0045 §4.2: a temporary room ends with its last occupant, and no other does', () => {
    const { node, leaves } = serviceWith(50);
    const effects = leaves(7);
    expect(effects.filter(({ kind }) => kind === 'append')).toMatchObject([
      { events: expect.arrayContaining([expect.objectContaining({ kind: 'roomDestroyed', room: 'room7@rooms.lit' })]) },
    ]);
    expect(node.status().rooms).toHaveLength(49);
  });
});
