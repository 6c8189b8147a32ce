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
  readonly room: string;
  readonly gertrude: SlixmppClient;
  readonly hamlet: SlixmppClient;
  readonly horatio: SlixmppClient;
}

type Person = 'gertrude' | 'hamlet' | 'horatio';
type Act = readonly [string, (cast: Cast) => Promise<unknown>];

const muc = 'http://jabber.org/protocol/muc';
let ids = 0;
/** Sends a stanza; ROOM in it is the room. */
const sends = (who: Person, xml: string) => (cast: Cast) => cast[who].send(xml.replaceAll('ROOM', cast.room));
const asks = (who: Person, type: 'get' | 'set', to: string, query: string) =>
  sends(who, `<iq type='${type}' to='${to}' id='ask${++ids}'>${query}</iq>`);
const administers = (item: string) => asks('gertrude', 'set', 'ROOM', `<query xmlns='${muc}#admin'>${item}</query>`);
const lists = (who: Person, item: string) =>
  asks(who, 'get', 'ROOM', `<query xmlns='${muc}#admin'><item ${item}/></query>`);
const form = (type: string, ...fields: readonly (readonly [string, string])[]) =>
  `<x xmlns='jabber:x:data' type='submit'>${[['FORM_TYPE', type] as const, ...fields]
    .map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`)
    .join('')}</x>`;

/** The less common parts of XEP-0045, as stanzas: no two clients have all of them. */
const moreActs: readonly Act[] = [
  ['Horatio becomes a visitor', administers(`<item nick='Horatio' role='visitor'><reason>hush</reason></item>`)],
  ['Gertrude moderates', ({ gertrude }) => gertrude.configure({ 'muc#roomconfig_moderatedroom': '1' })],
  ['Horatio speaks without voice', ({ horatio }) => horatio.say('I may not')],
  [
    'Horatio asks for voice',
    sends('horatio', `<message to='ROOM'>${form(`${muc}#request`, ['muc#role', 'participant'])}</message>`),
  ],
  ['Horatio gets voice', administers(`<item nick='Horatio' role='participant'/>`)],
  ['Gertrude moderates no more', ({ gertrude }) => gertrude.configure({ 'muc#roomconfig_moderatedroom': '0' })],
  ['Horatio becomes a moderator', administers(`<item nick='Horatio' role='moderator'/>`)],
  ['Horatio lists participants', lists('horatio', `role='participant'`)],
  ['Hamlet becomes a member', administers(`<item jid='hamlet@scotland.lit' affiliation='member'/>`)],
  ['Gertrude lists members', lists('gertrude', `affiliation='member'`)],
  ['Hamlet lists owners', lists('hamlet', `affiliation='owner'`)],
  ['Horatio is no moderator any more', administers(`<item nick='Horatio' role='participant'/>`)],
  ['Horatio asks how to register', asks('horatio', 'get', 'ROOM', `<query xmlns='jabber:iq:register'/>`)],
  [
    'Horatio registers a nick',
    asks(
      'horatio',
      'set',
      'ROOM',
      `<query xmlns='jabber:iq:register'>${form(`${muc}#register`, ['muc#register_roomnick', 'Horatio'])}</query>`,
    ),
  ],
  [
    'Hamlet asks Horatio’s client its version',
    asks('hamlet', 'get', 'ROOM/Horatio', `<query xmlns='jabber:iq:version'/>`),
  ],
  ['Horatio asks Gertrude’s', asks('horatio', 'get', 'ROOM/Gertrude', `<query xmlns='jabber:iq:version'/>`)],
  ['Gertrude asks Hamlet’s', asks('gertrude', 'get', 'ROOM/The Prince', `<query xmlns='jabber:iq:version'/>`)],
  ['Hamlet asks nobody', asks('hamlet', 'get', 'ROOM/Yorick', `<query xmlns='jabber:iq:version'/>`)],
  ['Hamlet asks for what is not there', asks('hamlet', 'get', 'ROOM', `<query xmlns='urn:example:unknown'/>`)],
  [
    'Hamlet asks what is in the room',
    asks('hamlet', 'get', 'ROOM', `<query xmlns='http://jabber.org/protocol/disco#items'/>`),
  ],
  [
    'Hamlet invites',
    sends(
      'hamlet',
      `<message to='ROOM'><x xmlns='${muc}#user'><invite to='horatio@scotland.lit'><reason>come</reason></invite></x></message>`,
    ),
  ],
  [
    'Horatio declines',
    sends('horatio', `<message to='ROOM'><x xmlns='${muc}#user'><decline to='hamlet@scotland.lit'/></x></message>`),
  ],
  [
    'Horatio speaks with more than a body',
    sends(
      'horatio',
      `<message to='ROOM' type='groupchat' id='rich' xml:lang='da'><body>Hej</body><body xml:lang='en'>Hi</body><thread>t</thread><active xmlns='http://jabber.org/protocol/chatstates'/><x xmlns='jabber:x:oob'><url>https://example.org/</url></x></message>`,
    ),
  ],
  [
    'Horatio forges what only nodes say',
    sends(
      'horatio',
      `<message to='ROOM' type='groupchat' id='forged'><body>forged</body><x xmlns='urn:xmpp:tmp:dmuc:0'><delay xmlns='urn:xmpp:delay' stamp='2000-01-01T00:00:00Z'/></x><occupant-id xmlns='urn:xmpp:occupant-id:0' id='me'/><stanza-id xmlns='urn:xmpp:sid:0' id='me' by='ROOM'/></message>`,
    ),
  ],
  [
    'Horatio sends a message of a type that rooms do not have',
    sends('horatio', `<message to='ROOM' type='chat' id='odd'><body>x</body></message>`),
  ],
  [
    'Horatio’s groupchat to one',
    sends('horatio', `<message to='ROOM/Gertrude' type='groupchat' id='odd2'><body>x</body></message>`),
  ],
  [
    'Hamlet enters once more',
    sends('hamlet', `<presence to='ROOM/The Prince'><x xmlns='${muc}'><history maxstanzas='2'/></x></presence>`),
  ],
  [
    'Hamlet enters with a nick that is no nick',
    sends('hamlet', `<presence to='ROOM/ '><x xmlns='${muc}'/></presence>`),
  ],
  [
    'Hamlet asks for the archive',
    asks(
      'hamlet',
      'set',
      'ROOM',
      `<query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>2</max></set></query>`,
    ),
  ],
];

/** What happens in both rooms. */
const script: readonly Act[] = [
  ['Gertrude enters', ({ gertrude }) => gertrude.enter('Gertrude')],
  ['Gertrude sets a subject', ({ gertrude }) => gertrude.setSubject('Elsinore <after> midnight')],
  ['Gertrude speaks', ({ gertrude }) => gertrude.say('Good Hamlet, <&> 🧀')],
  ['Hamlet enters', ({ hamlet }) => hamlet.enter('Hamlet')],
  ['Horatio enters', ({ horatio }) => horatio.enter('Horatio')],
  ['Hamlet speaks', ({ hamlet }) => hamlet.say('Ay, madam')],
  ['Horatio is away', ({ horatio }) => horatio.show('xa', 'on the platform')],
  ['Hamlet sets a subject', ({ hamlet }) => hamlet.setSubject('Words, words, words')],
  ['Hamlet sends Horatio a private message', ({ hamlet }) => hamlet.tell('Horatio', 'a word')],
  ['Gertrude sends Hamlet a private message', ({ gertrude }) => gertrude.tell('Hamlet', 'another')],
  ['Horatio sends Gertrude a private message', ({ horatio }) => horatio.tell('Gertrude', 'a third')],
  ['Hamlet sends nobody a private message', ({ hamlet }) => hamlet.tell('Yorick', 'alas')],
  ['Hamlet has another nick', ({ hamlet }) => hamlet.rename('The Prince')],
  ['Horatio wants a nick that is taken', ({ horatio }) => horatio.rename('The Prince')],
  ['Hamlet kicks without being a moderator', ({ hamlet }) => hamlet.kick('Gertrude', 'x').catch(() => undefined)],
  ...moreActs,
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
        room,
        gertrude: await login('gertrude@england.lit'),
        hamlet: await login('hamlet@scotland.lit'),
        horatio: await login('horatio@scotland.lit'),
      };
      const clients = (['gertrude', 'hamlet', 'horatio'] as const).map((name) => [name, cast[name]] as const);
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
      // --log tells of the nick that is none; what clients say about it all is the flows' business.
      const said = pair.primary.complaints() + pair.replica.complaints();
      expect(said.replaceAll(/^to "[^"]*\/ ": not a JID\n/gm, '')).toBe('');
    }, 240_000);
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
      typeof child !== 'string'
        ? walk(child, xmlns)
        : xmlns.endsWith('/rsm') && /^[0-9a-f]{32}$/.test(child)
          ? called(child)
          : child.replaceAll(room, 'ROOM'),
    );
    return `<${name}${xmlns === parent ? '' : ` xmlns=${xmlns}`}${listed.join('')}>${inner.join('')}</>`;
  };
  // What the room says of itself to whoever asks: that it has replicas, and its owner, which.
  return walk(parsed.element, 'jabber:client')
    .replaceAll(/<feature var=urn:(xmpp:tmp:dmuc|x-netsplit:sync):0><\/>/g, '')
    .replaceAll(/<field [^>]*var=\{urn:x-netsplit:sync:0\}dmuc_(?:(?!<\/><field ).)*<\/>(?=<field )/g, '');
}
