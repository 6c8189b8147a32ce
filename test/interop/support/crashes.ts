import { expect } from 'vitest';
import { WebSocket } from 'ws';
import { type Jid, jid } from '../../../src/core/xmpp/jid.ts';
import { bodyOf, iq, message, payloadOf, presence, type Stanza } from '../../../src/core/xmpp/stanza.ts';
import { el } from '../../../src/core/xmpp/xml.ts';
import { XmppLink } from '../../../src/worker/xmpp-link.ts';

// @xmpp/websocket takes the browser's.
Object.assign(globalThis, { WebSocket });

const muc = 'http://jabber.org/protocol/muc';
const forms = 'jabber:x:data';
/** Of one round. The room shows 200 to those who enter. */
const messagesMax = 18;
const roundsShown = 10;
/** A crash must not wait for a poll. */
const often = { interval: 2, timeout: 30_000 };

/** A node with a room that can be crashed, and started again on the same store. */
export interface Victim {
  readonly room: Jid;
  /** Bare addresses. */
  readonly users: readonly [string, string];
  /** @returns where users log in, once the room is there */
  start(): Promise<{ readonly websocket: string; crash(): Promise<void> }>;
}

export interface Survey {
  /** How many messages anybody was shown before a crash. */
  readonly shown: number;
  readonly lost: readonly string[];
  readonly duplicated: readonly string[];
}

/** Two users talk without a pause, and the node dies among their messages; what they were shown is looked for after each restart. */
export async function crashRounds(victim: Victim, rounds: number): Promise<Survey> {
  const shown: Set<string>[] = [];
  const lost = new Set<string>();
  const duplicated = new Set<string>();
  for (let round = 0; round <= rounds; round++) {
    const { websocket, crash } = await victim.start();
    const users = await Promise.all(victim.users.map((user) => login(websocket, `${user}/r${round}`)));
    const [owner] = users as [User, User];
    for (const [i, user] of users.entries()) {
      await user.join(victim.room, `nick${i}`);
      // A room that is new is locked until then.
      if (round === 0 && user === owner) await user.makePersistent(victim.room);
    }
    const history = owner.bodies();
    for (const body of shown.slice(-roundsShown).flatMap((bodies) => [...bodies]))
      if (!history.includes(body)) lost.add(body);
    for (const [i, body] of history.entries()) if (history.indexOf(body) !== i) duplicated.add(body);
    if (round < rounds) {
      let n = 0;
      const chat = setInterval(() => {
        for (let burst = 0; burst < Math.random() * 3 && n < messagesMax; burst++)
          users[n % 2]?.say(victim.room, `${round}-${n++}`);
      }, 2);
      await expect.poll(() => owner.bodies().some((body) => body.startsWith(`${round}-`)), often).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 25));
      await crash();
      clearInterval(chat);
      // What was on its way to somebody when the node died counts as well.
      await new Promise((resolve) => setTimeout(resolve, 50));
      shown.push(new Set(users.flatMap((user) => user.bodies()).filter((body) => body.startsWith(`${round}-`))));
    }
    for (const user of users) await user.end();
  }
  return {
    shown: shown.reduce((sum, { size }) => sum + size, 0),
    lost: [...lost],
    duplicated: [...duplicated],
  };
}

type User = Awaited<ReturnType<typeof login>>;

async function login(service: string, address: string) {
  const me = jid(address);
  const link = new XmppLink({ service, account: { kind: 'user', jid: address }, password: 'pw' });
  const seen: Stanza[] = [];
  await link.start({ stanza: (_, stanza) => seen.push(stanza), up: () => undefined, down: () => undefined });
  return {
    bodies: () => seen.flatMap((stanza) => (stanza.type === 'groupchat' ? (bodyOf(stanza) ?? []) : [])),
    say: (room: Jid, text: string) =>
      link.send(message(me, room, { type: 'groupchat', id: text }, el('body', 'jabber:client', {}, text))),
    async join(room: Jid, nick: string) {
      link.send(presence(me, jid(`${room}/${nick}`), {}, el('x', muc)));
      // XEP-0045 §7.2.2: the subject comes last.
      const isIn = () => seen.some((one) => one.name === 'message' && payloadOf(one, 'subject', 'jabber:client'));
      await expect.poll(isIn, often).toBe(true);
    },
    async makePersistent(room: Jid) {
      const field = (name: string, value: string) => el('field', forms, { var: name }, el('value', forms, {}, value));
      const form = el(
        'x',
        forms,
        { type: 'submit' },
        field('FORM_TYPE', `${muc}#roomconfig`),
        field('muc#roomconfig_persistentroom', '1'),
      );
      link.send(iq(me, room, { type: 'set', id: 'form' }, el('query', `${muc}#owner`, {}, form)));
      await expect.poll(() => seen.some((one) => one.name === 'iq' && one.id === 'form'), often).toBe(true);
    },
    end: () => link.stop(),
  };
}
