import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { bodyOf, iq, message, payloadOf, presence, type Stanza } from '../../../src/core/xmpp/stanza.ts';
import { el, elementsOf, type XmlElement } from '../../../src/core/xmpp/xml.ts';
import { XmppLink } from '../../../src/worker/xmpp-link.ts';
import { startCommand } from '../../support/commands.ts';
import { howMany } from '../../support/long.ts';
import { withWebSocket } from '../../support/websocket.ts';

withWebSocket();

const store = mkdtempSync(`${tmpdir()}/netsplit-durability-`);
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(store, { recursive: true, force: true });
});

/** A kill must not wait for a poll. */
const often = { interval: 2, timeout: 10_000 };
const muc = 'http://jabber.org/protocol/muc';
const forms = 'jabber:x:data';
const room = jid('lobby@conference.localhost');
const made = jid('coven@conference.localhost');

/** mulberry32: the same numbers for the same seed. */
function dice(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

async function serve() {
  const args = ['--scenario', 'plain', '--auth', 'open', '--port', '0', '--store', store];
  const child = await startCommand('serve', args);
  children.push(child);
  let errors = '';
  child.stderr.on('data', (data) => {
    errors += data;
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (data) => {
      const found = /^ready (ws:\S+)/m.exec(String(data))?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('close', () => reject(new Error(errors)));
  });
  return {
    url,
    errors: () => errors,
    kill: async () => {
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}

async function login(url: string, address: string) {
  const me = jid(address);
  const link = new XmppLink({ service: url, account: { kind: 'user', jid: address }, password: 'any' });
  const seen: Stanza[] = [];
  let ids = 0;
  await link.start({ stanza: (_, stanza) => seen.push(stanza), up: () => undefined, down: () => undefined });
  return {
    link,
    seen,
    bodies: () => seen.flatMap((stanza) => bodyOf(stanza) ?? []),
    async join(to: string, nick: string) {
      link.send(presence(me, jid(`${to}/${nick}`), {}, el('x', muc)));
      // §7.2.2: the subject comes last.
      await expect
        .poll(
          () =>
            seen.some((s) => s.name === 'message' && s.from.startsWith(to) && payloadOf(s, 'subject', 'jabber:client')),
          often,
        )
        .toBe(true);
    },
    say: (text: string) =>
      link.send(message(me, room, { type: 'groupchat', id: text }, el('body', 'jabber:client', {}, text))),
    async ask(to: string, type: 'get' | 'set', payload: XmlElement) {
      const id = `q${++ids}`;
      link.send(iq(me, jid(to), { type, id }, payload));
      await expect.poll(() => seen.find((s) => s.name === 'iq' && s.id === id)?.type, often).toBe('result');
      return seen.find((s) => s.name === 'iq' && s.id === id) as Stanza;
    },
  };
}

const item = (attrs: Record<string, string>) => el('query', `${muc}#admin`, {}, el('item', `${muc}#admin`, attrs));
const field = (name: string, value: string) => el('field', forms, { var: name }, el('value', forms, {}, value));
const persistent = (name: string) =>
  el(
    'query',
    `${muc}#owner`,
    {},
    el(
      'x',
      forms,
      { type: 'submit' },
      field('FORM_TYPE', `${muc}#roomconfig`),
      field('muc#roomconfig_persistentroom', '1'),
      field('muc#roomconfig_roomname', name),
    ),
  );

describe('npm run serve --store: kill -9', () => {
  it('whenever the process is killed, what anyone was shown is there after the restart', async () => {
    const seed = Number(process.env['DURABILITY_SEED'] ?? Date.now() % 1_000_000);
    console.log(`durability: DURABILITY_SEED=${seed}`);
    const random = dice(seed);
    const reflected = new Set<string>();
    const members = new Set<string>();
    let roomName: string | undefined;
    const rounds = howMany(4, 10);

    for (let round = 0; round <= rounds; round++) {
      const server = await serve();
      const owner = await login(server.url, `admin@localhost/r${round}`);
      const other = await login(server.url, `witch${round}@localhost/r`);
      await owner.join(room, `admin${round}`);
      expect(
        owner.bodies().filter((body) => reflected.has(body)),
        `round ${round}`,
      ).toEqual([...reflected]);
      if (members.size > 0) {
        const list = payloadOf(
          await owner.ask(room, 'get', item({ affiliation: 'member' })),
          'query',
          `${muc}#admin`,
        ) as XmlElement;
        const kept = elementsOf(list).map(({ attrs }) => attrs['jid']);
        for (const member of members) expect(kept).toContain(member);
      }
      if (roomName !== undefined) {
        const info = el('query', 'http://jabber.org/protocol/disco#info');
        const reply = payloadOf(await owner.ask(made, 'get', info), 'query', info.xmlns) as XmlElement;
        expect(elementsOf(reply)[0]?.attrs['name']).toBe(roomName);
      }
      if (round === rounds) {
        await owner.link.stop();
        await other.link.stop();
        await server.kill();
        break;
      }

      await other.join(room, `witch${round}`);
      const member = `member${round}@localhost`;
      await owner.ask(room, 'set', item({ affiliation: 'member', jid: member }));
      members.add(member);
      if (round % 3 === 0) {
        if (roomName === undefined) {
          owner.link.send(presence(jid(`admin@localhost/r${round}`), jid(`${made}/a`), {}, el('x', muc)));
        }
        const name = `coven ${round}`;
        await owner.ask(made, 'set', persistent(name));
        roomName = name;
      }
      // Messages go on and on; the process dies somewhere among them.
      let n = 0;
      const chatting = setInterval(() => {
        // The lobby keeps 200 messages: no round may push those of another out.
        for (let burst = 0; burst < random() * 3 && n < 18; burst++)
          (random() < 0.5 ? owner : other).say(`${round}-${n++}`);
      }, 2);
      await expect.poll(() => owner.bodies().some((body) => body.startsWith(`${round}-`)), often).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, random() * 25));
      await server.kill();
      clearInterval(chatting);
      // What was on its way to somebody when the process died counts as well.
      await new Promise((resolve) => setTimeout(resolve, 20));
      for (const { seen, link } of [owner, other]) {
        for (const stanza of seen) {
          const body = stanza.type === 'groupchat' ? bodyOf(stanza) : undefined;
          if (body !== undefined) reflected.add(body);
        }
        await link.stop();
      }
      expect(server.errors()).toBe('');
    }
    expect(reflected.size).toBeGreaterThan(rounds);
    expect(readdirSync(store)).toEqual(['conference.localhost']);
  }, 150_000);
});
