import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Jid, jid, resourceOf } from '../../src/core/xmpp/jid.ts';
import { bodyOf, iq, message, payloadOf, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { childOf, el, elementsOf, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { XmppLink } from '../../src/worker/xmpp-link.ts';
import { isLong } from '../support/long.ts';
import { withWebSocket } from '../support/websocket.ts';
import { noProsody, type Prosody, startProsody } from './support/prosody.ts';

withWebSocket();

/** Real programs on two cores: what comes, may come late. */
const soon = <T>(get: () => T) => expect.poll(get, { timeout: 10_000, interval: 10 });

const script = fileURLToPath(new URL('../../src/headless/component.ts', import.meta.url));
const domain = jid('talk.denmark.lit');
const room = jid('elsinore@talk.denmark.lit');
const muc = 'http://jabber.org/protocol/muc';
const forms = 'jabber:x:data';
const mucAdmin = `${muc}#admin`;

describe.skipIf(noProsody !== undefined)(
  `The component on Prosody${noProsody ? ` (skipped: ${noProsody})` : ''}`,
  () => {
    let prosody: Prosody;
    const processes: ChildProcess[] = [];
    const links: XmppLink[] = [];
    beforeAll(async () => {
      prosody = await startProsody({
        hosts: { 'denmark.lit': { hamlet: 'pw', horatio: 'pw' } },
        components: { [domain]: 's3cr3t' },
      });
      writeFileSync(`${prosody.directory}/secret`, 's3cr3t\n');
    });
    afterAll(async () => {
      await prosody?.stop();
    });
    afterEach(async () => {
      for (const link of links.splice(0)) await link.stop();
      for (const child of processes.splice(0)) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill('SIGKILL');
        await once(child, 'close');
      }
    });

    /** Starts the command; resolves when it says that it is ready. */
    async function startComponent(...more: readonly string[]) {
      const child = spawn(process.execPath, [
        ...['--import', 'tsx', script, '--log'],
        ...['--server', `127.0.0.1:${prosody.componentPort}`, '--domain', domain],
        ...['--secret-file', `${prosody.directory}/secret`, '--store', `${prosody.directory}/store`, ...more],
      ]);
      processes.push(child);
      let errors = '';
      child.stderr.on('data', (data) => {
        errors += data;
      });
      await new Promise<void>((resolve, reject) => {
        child.stdout.on('data', (data) => {
          if (String(data).startsWith(`ready ${domain} on `)) resolve();
        });
        child.once('close', () => reject(new Error(errors)));
      });
      return {
        errors: () => errors,
        async end(signal: NodeJS.Signals) {
          child.kill(signal);
          const [status] = (await once(child, 'close')) as [number | null];
          return status;
        },
      };
    }

    async function login(address: string) {
      const me = jid(address);
      const link = new XmppLink({
        service: prosody.websocket,
        account: { kind: 'user', jid: address },
        password: 'pw',
      });
      links.push(link);
      const seen: Stanza[] = [];
      let ids = 0;
      await link.start({ stanza: (_, stanza) => seen.push(stanza), up: () => undefined, down: () => undefined });
      const bodies = () => seen.flatMap((stanza) => bodyOf(stanza) ?? []);
      const field = (name: string, value: string) => el('field', forms, { var: name }, el('value', forms, {}, value));
      const ask = async (to: Jid, type: 'get' | 'set', payload: XmlElement) => {
        const id = `q${++ids}`;
        link.send(iq(me, to, { type, id }, payload));
        await soon(() => seen.some((s) => s.name === 'iq' && s.id === id && s.from === to)).toBe(true);
        return seen.find((s) => s.name === 'iq' && s.id === id) as Stanza;
      };
      return {
        ask,
        /** As an owner. */
        configure: async (name: string, value: string) => {
          const form = el('x', forms, { type: 'submit' }, field('FORM_TYPE', `${muc}#roomconfig`), field(name, value));
          expect((await ask(room, 'set', el('query', `${muc}#owner`, {}, form))).type).toBe('result');
        },
        seen,
        bodies,
        link,
        join: async (nick: string) => {
          link.send(presence(me, jid(`${room}/${nick}`), {}, el('x', muc)));
          await soon(() =>
            seen.some(
              ({ name, from, type }) => name === 'presence' && type === undefined && from === `${room}/${nick}`,
            ),
          ).toBe(true);
        },
        say: async (text: string) => {
          link.send(message(me, room, { type: 'groupchat', id: text }, el('body', 'jabber:client', {}, text)));
          await soon(bodies).toContain(text);
        },
      };
    }

    const affiliates = (reply: Stanza) =>
      (payloadOf(reply, 'query', mucAdmin)?.children ?? []).flatMap((item) =>
        typeof item === 'string' ? [] : [item.attrs['jid']],
      );
    const members = el('query', mucAdmin, {}, el('item', mucAdmin, { affiliation: 'member' }));

    it.runIf(isLong)(
      'rooms, affiliations and history are there after a restart, an orderly one and kill -9',
      async () => {
        const first = await startComponent();
        const hamlet = await login('hamlet@denmark.lit/desk');
        const horatio = await login('horatio@denmark.lit/watch');
        await hamlet.join('Hamlet');
        await hamlet.configure('muc#roomconfig_persistentroom', '1');
        await horatio.join('Horatio');
        await hamlet.say('Who is there? <&> 🧀');
        await soon(horatio.bodies).toContain('Who is there? <&> 🧀');
        const granted = el(
          'query',
          mucAdmin,
          {},
          el('item', mucAdmin, { affiliation: 'member', jid: 'horatio@denmark.lit' }),
        );
        expect((await hamlet.ask(room, 'set', granted)).type).toBe('result');
        expect(affiliates(await hamlet.ask(room, 'get', members))).toEqual(['horatio@denmark.lit']);

        // The moment the message is back, the process is killed: what was reflected is durable.
        await hamlet.say('Stand and unfold yourself');
        expect([await first.end('SIGKILL'), first.errors()]).toEqual([null, '']);

        const second = await startComponent();
        const watchman = await login('horatio@denmark.lit/lantern');
        await watchman.join('Bernardo');
        await soon(watchman.bodies).toEqual(['Who is there? <&> 🧀', 'Stand and unfold yourself']);
        expect(affiliates(await hamlet.ask(room, 'get', members))).toEqual(['horatio@denmark.lit']);
        expect([await second.end('SIGINT'), second.errors()]).toEqual([
          0,
          'SIGINT: stopping; a second one stops at once\n',
        ]);
      },
    );

    it('answers discovery and ping for the domain and for a room, and refuses what it does not know', async () => {
      const component = await startComponent();
      const hamlet = await login('hamlet@denmark.lit/disco');
      await hamlet.join('Prince');
      await hamlet.configure('muc#roomconfig_roomname', 'The platform');
      const info = el('query', 'http://jabber.org/protocol/disco#info');
      for (const to of [domain, room]) {
        const reply = await hamlet.ask(to, 'get', info);
        const identity = childOf(payloadOf(reply, 'query', info.xmlns) ?? info, 'identity', info.xmlns);
        expect([to, reply.type, identity?.attrs['category']]).toEqual([to, 'result', 'conference']);
        if (to === room) expect(identity?.attrs['name']).toBe('The platform');
      }
      expect((await hamlet.ask(domain, 'get', el('ping', 'urn:xmpp:ping'))).type).toBe('result');
      for (const to of [domain, room]) {
        const reply = await hamlet.ask(to, 'get', el('query', 'urn:example:unknown'));
        const error = payloadOf(reply, 'error', 'jabber:client');
        expect([reply.type, error && elementsOf(error)[0]?.name]).toEqual([
          'error',
          expect.stringMatching(/service-unavailable|feature-not-implemented/),
        ]);
      }
      // Prosody's stringprep lets this nick pass, RFC 7622 does not.
      hamlet.link.send(
        presence(jid('hamlet@denmark.lit/disco'), `${room}/a\u{1F9C0}\u{2028}b` as Jid, {}, el('x', muc)),
      );
      await hamlet.say('the stream lives');
      expect(resourceOf(hamlet.seen.find((s) => bodyOf(s) === 'the stream lives')?.from as Jid)).toBe('Prince');
      await component.end('SIGTERM');
    });

    it('a wrong secret, and a domain that the server does not have', async () => {
      writeFileSync(`${prosody.directory}/wrong`, 'x');
      await expect(startComponent('--secret-file', `${prosody.directory}/wrong`)).rejects.toThrow(
        'not-authorized: the secret is not the one that the server has for talk.denmark.lit',
      );
      await expect(startComponent('--domain', 'other.lit')).rejects.toThrow(
        /host-unknown: the server has no component/,
      );
    });
  },
);
