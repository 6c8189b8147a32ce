import { expect, it } from 'vitest';
import { plainRoomConfig } from '../../../src/core/distribution/config.ts';
import { createMucNode } from '../../../src/core/node/muc-node.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { LocalLink } from '../../../src/headless/local-link.ts';
import { nodeServerHost } from '../../../src/headless/node-host.ts';
import { Driver } from '../../../src/host/driver.ts';
import { MemoryStore } from '../../../src/host/memory-store.ts';
import { Network } from '../../../src/server/network.ts';
import { Stream } from '../../../src/server/stream.ts';
import { howMany } from '../../support/long.ts';

// What they hear of each other grows with the square: so many are enough to see whether anything is dropped.
const occupants = howMany(200, 1000);
const room = 'lobby@rooms.localhost';
const framing = 'urn:ietf:params:xml:ns:xmpp-framing';

it(`${occupants} occupants enter one room, and what one of them says reaches all, in order, without a dropped stanza`, async () => {
  const host = nodeServerHost();
  const service = jid('rooms.localhost');
  const network = new Network(
    {
      id: 'thousand',
      servers: [{ domain: 'localhost', services: [service], open: true }],
      accounts: [{ address: service, password: 'pw', role: 'service' }],
    },
    host,
  );
  const driver = new Driver({
    address: service,
    node: createMucNode({
      kind: 'service',
      address: service,
      server: jid('localhost'),
      rooms: [plainRoomConfig(jid(room))],
      openCreation: false,
      admins: [],
    }),
    store: new MemoryStore(),
    link: new LocalLink({ network, account: service, bind: [service] }),
    host: { now: host.now, setTimer: host.setTimer, newId: host.randomId },
  });
  await driver.start();

  const presences = new Array<number>(occupants).fill(0);
  const heard: string[][] = Array.from({ length: occupants }, () => []);
  const closed: number[] = [];
  const streams = heard.map((messages, i) => {
    const stream = new Stream(
      {
        send: (frame) => {
          if (frame.startsWith('<presence') && !frame.includes('type="error"'))
            presences[i] = (presences[i] as number) + 1;
          else if (frame.startsWith('<message')) messages.push(/<body>(.*)<\/body>/.exec(frame)?.[1] ?? '');
        },
        close: () => closed.push(i),
        buffered: () => 0,
      },
      host,
      () => network,
    );
    const login = Buffer.from(`\0u${i}\0pw`).toString('base64');
    for (const frame of [
      `<open xmlns="${framing}" to="localhost" version="1.0"/>`,
      `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${login}</auth>`,
      `<open xmlns="${framing}" to="localhost" version="1.0"/>`,
      '<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>',
      `<presence xmlns="jabber:client" to="${room}/n${i}"><x xmlns="http://jabber.org/protocol/muc"/></presence>`,
    ])
      stream.text(frame);
    return stream;
  });
  // Everything is in this process: when all that must come has come, one more turn shows what came too much.
  const until = async (done: () => boolean) => {
    while (!done()) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
  };
  await until(() => presences.every((count) => count >= occupants));
  expect(presences).toEqual(new Array(occupants).fill(occupants));

  for (const [i, line] of ['one', 'two', 'three'].entries())
    streams[(i * occupants) / 4]?.text(
      `<message xmlns="jabber:client" to="${room}" type="groupchat"><body>${line}</body></message>`,
    );
  await until(() => heard.every((messages) => messages.length >= 4));
  for (const messages of heard) expect(messages).toEqual(['', 'one', 'two', 'three']);
  expect(closed).toEqual([]);
  await driver.stop();
}, 240_000);
