import { afterEach, describe, expect, it } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { message, presence, type Stanza } from '../../../src/core/xmpp/stanza.ts';
import { ReplicaLink } from '../../../src/headless/replica-link.ts';
import { type ServerSide, startComponentServer } from '../../contract/component-server.ts';

const soon = <T>(get: () => T) => expect.poll(get, { timeout: 10_000, interval: 5 });
const room = jid('wallops@rooms.england.lit');
const self = jid('replica@scotland.lit');
const bob = jid('bob@scotland.lit/phone');

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function setup() {
  const server = await startComponentServer();
  const seen: Stanza[] = [];
  const states: string[] = [];
  const log: string[] = [];
  // A connection that was lost comes back when the test says so.
  let reconnect: () => void = () => undefined;
  const clock = {
    now: () => performance.now(),
    setTimer(afterMs: number, fn: () => void) {
      if (afterMs < 1_000) reconnect = fn;
      const timer = setTimeout(fn, 60_000);
      return () => clearTimeout(timer);
    },
    random: () => 0,
  };
  const failures: string[] = [];
  const link = new ReplicaLink({
    ...{ host: '127.0.0.1', port: server.port, room, self, secret: 'pw', clock },
    log: (line) => log.push(line),
  });
  ends.push(server.close, () => link.stop());
  await link.start({
    stanza: (via, stanza) => seen.push({ ...stanza, id: `${via} ${stanza.id}` }),
    up: () => states.push('up'),
    down: () => states.push('down'),
    progress: (phase, detail) => {
      if (phase === 'failed') failures.push(detail);
    },
  });
  const side = (domain: string) => server.sides.filter((one) => one.domain === domain).at(-1) as ServerSide;
  const received = (domain: string) => side(domain).received.map(({ attrs: { from, to } }) => [from, to]);
  return { server, link, seen, states, log, side, received, failures, reconnect: () => reconnect() };
}

describe('Link of a replica as two components', () => {
  it('what is for users leaves at the room, what is for the primary at the replica, by way of its service', async () => {
    const { link, received } = await setup();
    link.send(presence(jid(`${room}/Gertrude`), bob, {}));
    link.send(presence(bob, jid(`${room}/Bob`), {}));
    link.send(message(self, room, { id: 'own' }));
    await soon(() => received(self)).toEqual([
      [bob, `rooms.england.lit/${room}/Bob`],
      [self, `rooms.england.lit/${room}`],
    ]);
    await soon(() => received(room)).toEqual([[`${room}/Gertrude`, bob]]);
  });

  it('both streams bring what they are handed, and what comes back from the service comes from the room', async () => {
    const { side, seen } = await setup();
    side(room).send(`<message from='${bob}' to='${room}' id='1'/>`);
    await soon(() => seen.length).toBe(1);
    side(self).send(`<message from='${room}/Gertrude' to='${self}' id='2'/>`);
    side(self).send(`<iq type='error' from='rooms.england.lit/${room}' to='${self}' id='3'/>`);
    await soon(() => seen.map(({ from, to, id }) => [from, to, id])).toEqual([
      [bob, room, 'scotland.lit 1'],
      [`${room}/Gertrude`, self, 'rooms.england.lit 2'],
      [room, self, 'rooms.england.lit 3'],
    ]);
  });

  it('is up while both are; a user who comes in between is told to wait, but not of a chat state (decision #133)', async () => {
    const { side, states, seen, reconnect } = await setup();
    expect(states).toEqual(['up']);
    side(self).socket.destroy();
    await soon(() => states).toEqual(['up', 'down']);
    const composing = "<composing xmlns='http://jabber.org/protocol/chatstates'/>";
    side(room).send(`<message from='${bob}' to='${room}' type='groupchat' id='0'>${composing}</message>`);
    side(room).send(`<presence from='${bob}' to='${room}/Bob' id='1'/>`);
    await soon(() => side(room).received.map(({ attrs: { from, to, type } }) => [from, to, type])).toEqual([
      [`${room}/Bob`, bob, 'error'],
    ]);
    reconnect();
    await soon(() => states).toEqual(['up', 'down', 'up']);
    expect(seen).toEqual([]);
  });

  it('an address that is too long for that way comes back as an error', async () => {
    const { link, side } = await setup();
    link.send(presence(bob, jid(`${room}/${'x'.repeat(1000)}`), {}));
    await soon(() => side(room).received.map(({ attrs: { type, to } }) => [type, to])).toEqual([['error', bob]]);
  });

  it('an occupant’s address that is none is refused in its own name, as by a component for a domain', async () => {
    const { side, seen } = await setup();
    side(room).send(`<presence from='${bob}' to='${room}/ ' id='1'/>`);
    await soon(() => side(room).received.map(({ attrs: { from, to, type } }) => [from, to, type])).toEqual([
      [`${room}/ `, bob, 'error'],
    ]);
    expect(seen).toEqual([]);
  });

  it('a server that checks `from` is named as the cause, and not asked again', async () => {
    const { server, link, side, failures } = await setup();
    const before = server.sides.length;
    link.send(presence(bob, jid(`${room}/Bob`), {}));
    side(self).streamError('invalid-from');
    await soon(() => failures).toEqual([
      'invalid-from: replica@scotland.lit may not speak in the names of others there (Prosody: validate_from_addresses = false)',
    ]);
    expect(server.sides.length).toBe(before);
  });
});
