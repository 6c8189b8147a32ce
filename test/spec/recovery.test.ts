import { describe, expect, it } from 'vitest';
import { plainRoomConfig } from '../../src/core/distribution/config.ts';
import { createMucNode } from '../../src/core/node/muc-node.ts';
import type { RoomEvent } from '../../src/core/room/event.ts';
import { writeJoin } from '../../src/core/xep/xep0045.ts';
import { jid, occupantJid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { message, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { instant } from '../../src/core/xmpp/time.ts';
import { el } from '../../src/core/xmpp/xml.ts';

const room = jid('coven@chat.shakespeare.lit');
const server = jid('shakespeare.lit');
const hag = jid('hag66@shakespeare.lit/pda');
const crone = jid('crone1@shakespeare.lit/desktop');
const config = {
  kind: 'service',
  address: jid('chat.shakespeare.lit'),
  server,
  rooms: [plainRoomConfig(room)],
  openCreation: false,
  admins: [],
} as const;

/** A node, its log, and what it does with a stanza: what it appends and what it sends. */
function node(log: readonly RoomEvent[] = []) {
  const muc = createMucNode(config);
  let ids = 0;
  const env = () => ({ now: instant(1_000_000 + ids), newId: () => `id${ids++}` });
  for (const event of log) muc.apply(event);
  const handle = (input: Parameters<typeof muc.handle>[0]) => {
    const events: RoomEvent[] = [];
    const sends: Stanza[] = [];
    for (const effect of muc.handle(input, env())) {
      if (effect.kind === 'append') events.push(...effect.events);
      if (effect.kind === 'send') sends.push(effect.stanza);
    }
    return { events, sends };
  };
  return {
    start: (untold: readonly RoomEvent[] = []) => handle({ kind: 'command', command: { name: 'start', untold } }),
    takes: (stanza: Stanza) => handle({ kind: 'stanza', via: server, stanza }),
  };
}

const enters = (user: typeof hag, nick: string) => presence(user, occupantJid(room, nick), {}, writeJoin({}));
const line = ({ name, type, from, to }: Stanza) => `${name} ${type ?? ''} ${from} → ${to}`;

describe('decision #50: what was durable and perhaps never heard of', () => {
  /** Both are in; then comes `last`, and the node crashes before anything of it leaves. */
  function crashed(last: (muc: ReturnType<typeof node>) => { readonly events: readonly RoomEvent[] }): Stanza[] {
    const muc = node();
    const log = [
      ...muc.start().events,
      ...muc.takes(enters(hag, 'hag')).events,
      ...muc.takes(enters(crone, 'crone')).events,
    ];
    const { events } = last(muc);
    return node([...log, ...events]).start(events).sends;
  }

  it('a leave is told again, to who stays and to who left', () => {
    const sends = crashed((muc) => muc.takes(presence(hag, occupantJid(room, 'hag'), { type: 'unavailable' })));
    expect(sends.map(line)).toEqual([
      `presence unavailable ${room}/hag → ${hag}`,
      `presence unavailable ${room}/hag → ${crone}`,
    ]);
  });

  it('who entered gets the whole answer: others, self, history, subject', () => {
    const third = jid('wiccarocks@shakespeare.lit/laptop');
    const sends = crashed((muc) => muc.takes(enters(third, 'wicca')));
    expect(
      sends
        .filter(({ to }) => to === third)
        .map(line)
        .slice(-4),
    ).toEqual([
      `presence  ${room}/hag → ${third}`,
      `presence  ${room}/crone → ${third}`,
      `presence  ${room}/wicca → ${third}`,
      `message groupchat ${room} → ${third}`,
    ]);
    expect(sends.filter(({ to }) => to === crone).map(line)).toEqual([`presence  ${room}/wicca → ${crone}`]);
  });

  it('so does one whose join the crash took, for what is told of them would look like it; the history they have', () => {
    const muc = node();
    const log = [
      ...muc.start().events,
      ...muc.takes(enters(hag, 'hag')).events,
      ...muc.takes(enters(crone, 'crone')).events,
      ...muc.takes(message(hag, room, { type: 'groupchat', id: 'm1' }, el('body', NS.client, {}, 'Harpier cries')))
        .events,
    ];
    // Their client lost track and asks to enter again, and nothing of it is in the log but what they changed before.
    const { events } = muc.takes(presence(crone, occupantJid(room, 'crone'), {}, el('show', NS.client, {}, 'away')));
    const { sends } = node([...log, ...events]).start(events);
    expect(sends.map(line)).toEqual([
      `presence  ${room}/crone → ${hag}`,
      `presence  ${room}/hag → ${crone}`,
      `presence  ${room}/crone → ${crone}`,
      `message groupchat ${room} → ${crone}`,
    ]);
    const subject = sends.at(-1) as Stanza;
    expect(subject.payloads.map(({ name }) => name)).toEqual(['subject']);
  });

  it('a message is not said again', () => {
    const sends = crashed((muc) =>
      muc.takes(message(hag, room, { type: 'groupchat', id: 'm1' }, el('body', NS.client, {}, 'Harpier cries'))),
    );
    expect(sends).toEqual([]);
  });

  it('what was heard of long ago is not told again', () => {
    const muc = node();
    const log = [...muc.start().events, ...muc.takes(enters(hag, 'hag')).events];
    expect(node(log).start().sends).toEqual([]);
  });
});

describe('What is written down', () => {
  it('says of which form it is, so that a later version can tell', () => {
    expect(createMucNode(config).snapshot().version).toBe(1);
  });
});
