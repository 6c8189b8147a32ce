import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { XmlElement } from '../../src/core/xmpp/xml.ts';
import { parseElement } from '../../src/server/parser.ts';
import { type Pair, startPair } from './support/pair.ts';
import { noProsody } from './support/prosody.ts';
import { noSlixmpp, SlixmppClient } from './support/slixmpp.ts';

const missing = noProsody ?? noSlixmpp;
const anything = { bytes: 1e8, depth: 100, attributes: 100, children: 1e6, declarations: 1e6 };
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

interface Cast {
  readonly gertrude: SlixmppClient;
  readonly hamlet: SlixmppClient;
  readonly horatio: SlixmppClient;
}

/** What happens in both rooms. */
const script: readonly (readonly [string, (cast: Cast) => Promise<unknown>])[] = [
  ['Gertrude enters', ({ gertrude }) => gertrude.enter('Gertrude')],
  ['Gertrude sets a subject', ({ gertrude }) => gertrude.setSubject('Elsinore <after> midnight')],
  ['Gertrude speaks', ({ gertrude }) => gertrude.say('Good Hamlet, <&> 🧀')],
  ['Hamlet enters', ({ hamlet }) => hamlet.enter('Hamlet')],
  ['Horatio enters', ({ horatio }) => horatio.enter('Horatio')],
  ['Hamlet speaks', ({ hamlet }) => hamlet.say('Ay, madam')],
  ['Horatio is away', ({ horatio }) => horatio.show('xa', 'on the platform')],
  ['Hamlet sets a subject', ({ hamlet }) => hamlet.setSubject('Words, words, words')],
  ['Hamlet whispers to Horatio', ({ hamlet }) => hamlet.whisper('Horatio', 'a word')],
  ['Gertrude whispers to Hamlet', ({ gertrude }) => gertrude.whisper('Hamlet', 'another')],
  ['Horatio whispers to Gertrude', ({ horatio }) => horatio.whisper('Gertrude', 'a third')],
  ['Hamlet whispers to nobody', ({ hamlet }) => hamlet.whisper('Yorick', 'alas')],
  ['Hamlet has another nick', ({ hamlet }) => hamlet.rename('The Prince')],
  ['Horatio wants a nick that is taken', ({ horatio }) => horatio.rename('The Prince')],
  ['Hamlet kicks without being a moderator', ({ hamlet }) => hamlet.kick('Gertrude', 'x').catch(() => undefined)],
  ['Horatio leaves', ({ horatio }) => horatio.leave()],
  ['Horatio comes back', ({ horatio }) => horatio.enter('Horatio')],
  ['Horatio is kicked', ({ gertrude }) => gertrude.kick('Horatio', 'to England')],
  ['Horatio speaks from outside', ({ horatio }) => horatio.say('I am here')],
  ['Horatio comes back again', ({ horatio }) => horatio.enter('Horatio')],
  ['Gertrude closes the room', ({ gertrude }) => gertrude.configure({ 'muc#roomconfig_whois': 'anyone' })],
  ['Horatio is banned', ({ gertrude }) => gertrude.ban({ nick: 'Horatio', jid: 'horatio@scotland.lit' }, 'rank')],
  ['Horatio may not come back', ({ horatio }) => horatio.enter('Horatio').catch(() => undefined)],
  ['Hamlet configures without owning', ({ hamlet }) => hamlet.configuration().catch(() => undefined)],
  ['Hamlet leaves', ({ hamlet }) => hamlet.leave()],
];

describe.skipIf(process.env['INTEROP'] === 'fast' || missing !== undefined)(
  `A room with a replica and one without, on two Prosodys${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    let pair: Pair;
    beforeAll(async () => {
      pair = await startPair('wallops', 'gertrude@england.lit');
    }, 60_000);
    afterAll(() => pair?.stop());

    /** Plays the script; what each client got of the room at each step. */
    async function play(room: string): Promise<string[]> {
      const login = (account: string) =>
        SlixmppClient.login(
          account,
          room,
          account.endsWith('@england.lit') ? pair.england.c2sPort : pair.scotland.c2sPort,
        );
      const cast: Cast = {
        gertrude: await login('gertrude@england.lit'),
        hamlet: await login('hamlet@scotland.lit'),
        horatio: await login('horatio@scotland.lit'),
      };
      const clients = Object.entries(cast) as [string, SlixmppClient][];
      const known = new Map<string, string>();
      const lines: string[] = [];
      const told = new Map<string, number>();
      try {
        for (const [what, act] of script) {
          await act(cast);
          const total = async () => {
            let sum = 0;
            for (const [, client] of clients) sum += (await client.seen()).length;
            return sum;
          };
          for (let before = -1, now = await total(); before !== now; before = now, now = await total())
            await pause(250);
          lines.push(what);
          for (const [name, client] of clients) {
            const seen = await client.seen();
            const fresh = seen.slice(told.get(name) ?? 0).map((text) => shown(text, room, known));
            told.set(name, seen.length);
            // An answer comes from the primary itself, so it may come earlier or later than what others are told too.
            const answers = fresh.filter((line) => line.startsWith('<iq')).sort();
            for (const line of [...fresh.filter((line) => !line.startsWith('<iq')), ...answers])
              lines.push(`  ${name}: ${line}`);
          }
        }
        for (const [name, client] of clients) expect([name, client.complaints()]).toEqual([name, []]);
      } finally {
        for (const [, client] of clients) await client.stop();
      }
      return lines;
    }

    it('what each client gets is the same, to the last element', async () => {
      await expect.poll(() => pair.replica.said(), { timeout: 20_000 }).toContain('replica live');
      const plain = await play('plain-wallops@rooms.england.lit');
      const replicated = await play('wallops@rooms.england.lit');
      const rest = (lines: readonly string[], others: readonly string[]) =>
        lines.filter((line, i) => line !== others[i]);
      expect({ replicated: rest(replicated, plain) }).toEqual({ replicated: [] });
      expect(replicated).toEqual(plain);
      expect([pair.primary.complaints(), pair.replica.complaints()]).toEqual(['', '']);
    }, 120_000);
  },
);

/** A stanza in canonical form: attributes sorted, with what is drawn anew each time called by the order in which it came. */
function shown(text: string, room: string, known: Map<string, string>): string {
  const parsed = parseElement(text.replace(/^<(\w+)(?![^>]* xmlns=)/, "<$1 xmlns='jabber:client'"), anything);
  if (!parsed.ok) throw new Error(`${parsed.text}: ${text}`);
  const called = (value: string) => {
    const name = known.get(value) ?? `#${known.size + 1}`;
    known.set(value, name);
    return name;
  };
  const walk = ({ name, xmlns, attrs, children }: XmlElement, parent: string): string => {
    const listed = Object.keys(attrs)
      .sort()
      .map((key) => {
        const value = (attrs[key] as string).replaceAll(room, 'ROOM');
        if (key === 'id') return ` id=${called(value)}`;
        return ` ${key}=${key === 'stamp' ? 'T' : value}`;
      });
    const inner = children.map((child) =>
      typeof child === 'string' ? child.replaceAll(room, 'ROOM') : walk(child, xmlns),
    );
    return `<${name}${xmlns === parent ? '' : ` xmlns=${xmlns}`}${listed.join('')}>${inner.join('')}</>`;
  };
  // What the room says of itself to whoever asks: that it has replicas, and its owner, which.
  return walk(parsed.element, 'jabber:client')
    .replaceAll(/<feature var=urn:(xmpp:tmp:dmuc|x-netsplit:sync):0><\/>/g, '')
    .replaceAll(/<field [^>]*var=\{urn:x-netsplit:sync:0\}dmuc_(?:(?!<\/><field ).)*<\/>(?=<field )/g, '');
}
