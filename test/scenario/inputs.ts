import { roomConfigForm } from '../../src/core/room/config-form.ts';
import type { RoomEvent } from '../../src/core/room/event.ts';
import { writeForm } from '../../src/core/xep/xep0004.ts';
import { writeJoin } from '../../src/core/xep/xep0045.ts';
import { writeStamp } from '../../src/core/xep/xep0082.ts';
import { ping } from '../../src/core/xep/xep0199.ts';
import { type Jid, jid, parseJid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { iq, message, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { instant } from '../../src/core/xmpp/time.ts';
import { el, elementsOf, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { parseElement } from '../../src/server/parser.ts';
import { World } from '../support/world.ts';
import { DialogueError, type Step } from './dialogue.ts';
import type { Network } from './network.ts';

/** Prefixes that an XML input may use without saying what they are. */
const prefixes = {
  muc: NS.muc,
  user: NS.mucUser,
  admin: NS.mucAdmin,
  owner: NS.mucOwner,
  form: NS.dataForms,
  info: NS.discoInfo,
  items: NS.discoItems,
  register: 'jabber:iq:register',
  mam: 'urn:xmpp:mam:2',
  rsm: 'http://jabber.org/protocol/rsm',
  fmuc: NS.fmuc,
  dmuc: NS.dmuc2,
  ext: NS.ext,
  delay: NS.delay,
  sid: NS.sid,
  occupant: NS.occupantId,
  ping: NS.ping,
  stanzas: NS.stanzas,
};

/** Plays the inputs of one dialogue on a world of its own. */
export class Player {
  readonly world: World;
  readonly #start: number;
  readonly #network: Network;
  readonly #file: string;
  /** Where each user is, as room and nick. */
  readonly #seats = new Map<string, { readonly room: Jid; readonly nick: string }>();
  readonly #logs = new Map<Jid, readonly RoomEvent[]>();
  #ids = 0;

  constructor(file: string, network: Network) {
    this.#file = file;
    this.#network = network;
    this.world = new World(network.scenario);
    this.#start = this.world.now;
  }

  /** @throws DialogueError for what it does not understand, and for what breaks on the way */
  play(step: Step): void {
    try {
      if (step.xml !== undefined) return this.#sendXml(step.xml);
      for (const [, pattern, act] of inputs) {
        const match = pattern.exec(step.text);
        if (match) return act.call(this, match.groups ?? {});
      }
    } catch (error) {
      throw new DialogueError(this.#file, step.line, error instanceof Error ? error.message : String(error));
    }
    throw new DialogueError(this.#file, step.line, `what is "${step.text}"?\n${vocabulary()}`);
  }

  user(name = ''): Jid {
    const address = this.#network.users.get(name);
    if (address === undefined)
      throw new Error(`no user ${name}; there are ${[...this.#network.users.keys()].join(', ')}`);
    return jid(address);
  }

  /** An address, or a name that stands for one, with a resource or without. */
  address(text = ''): Jid {
    const [, name = '', rest = ''] = /^([^/]*)(\/.*)?$/.exec(text) ?? [];
    const address = parseJid(`${this.#network.names.get(name) ?? name}${rest}`);
    if (address === undefined) throw new Error(`${text} is no address`);
    return address;
  }

  /** The room a user is in; before they were in one, the first of the file. */
  room(user: string | undefined): Jid {
    const [first = ''] = this.#network.rooms.values();
    return this.#seats.get(user ?? '')?.room ?? jid(first);
  }

  nick(user = ''): string {
    return this.#seats.get(user)?.nick ?? user;
  }

  sit(user = '', room: Jid, nick = ''): void {
    this.#seats.set(user, { room, nick });
  }

  nextId(letter: string): string {
    return `${letter}${++this.#ids}`;
  }

  server(short = ''): string {
    const domains = this.#network.scenario.nodes.map(({ server }) => server);
    const found = [
      ...domains,
      ...[...this.#network.users.values()].map((user) => user.replace(/^.*@|\/.*$/g, '')),
    ].find((domain) => domain === short || domain.split('.')[0] === short);
    if (found === undefined) throw new Error(`no server ${short}`);
    return found;
  }

  admin(
    user: string | undefined,
    type: 'get' | 'set',
    item: Record<string, string | undefined>,
    reason?: string,
  ): void {
    const children = reason === undefined ? [] : [el('reason', NS.mucAdmin, {}, reason)];
    const query = el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, item, ...children));
    this.ask(user, this.room(user), type, query);
  }

  ask(user: string | undefined, to: Jid, type: 'get' | 'set', payload: XmlElement): void {
    this.world.send(iq(this.user(user), to, { type, id: this.nextId('q') }, payload));
  }

  say(user: string | undefined, type: string | undefined, payload: XmlElement, to = this.room(user)): void {
    this.world.send(message(this.user(user), to, { type, id: this.nextId('m') }, payload));
  }

  crash(node: string | undefined): void {
    const address = this.address(node);
    this.#logs.set(address, this.world.crash(address));
  }

  boot(node: string | undefined, withLog: boolean): void {
    const address = this.address(node);
    this.world.boot(address, withLog ? this.#logs.get(address) : []);
  }

  #sendXml(xml: string): void {
    // "via HOST to NODE": handed to the node by that neighbour, who need not be the sender's own.
    const [, via, node, rest = ''] = /^(?:via (\S+) to (\S+) )?(.+)$/.exec(xml.trim()) ?? [];
    const declarations = Object.entries(prefixes).map(([prefix, xmlns]) => `xmlns:${prefix}="${xmlns}"`);
    const parsed = parseElement(`<block xmlns="${NS.client}" ${declarations.join(' ')}>${rest}</block>`);
    if (!parsed.ok) throw new Error(`${parsed.text}: ${rest}`);
    const [root, ...others] = elementsOf(parsed.element).map((element) => this.#expand(element));
    if (root === undefined || others.length > 0 || !/^(message|presence|iq)$/.test(root.name))
      throw new Error('one message, presence or iq expected');
    const { from, to, id, type, 'xml:lang': lang } = root.attrs;
    if (from === undefined || to === undefined) throw new Error('from and to are needed');
    const make = { message, presence, iq }[root.name as Stanza['name']];
    const stanza = make(this.address(from), this.address(to), { id, type, lang }, ...elementsOf(root));
    if (via === undefined) this.world.send(stanza);
    else this.world.inject(this.address(node), via, stanza);
  }

  /** Names that stand for addresses, and T+n for a time, wherever they are all of an attribute or a text. */
  #expand(element: XmlElement): XmlElement {
    const value = (text: string): string => {
      const seconds = /^T([+-][\d.]+)$/.exec(text)?.[1];
      if (seconds !== undefined) return writeStamp(instant(this.#start + Number(seconds) * 1000));
      const [, name = '', rest = ''] = /^([^/]*)(\/.*)?$/.exec(text) ?? [];
      const address = this.#network.names.get(name);
      return address === undefined ? text : `${address}${rest}`;
    };
    return {
      ...element,
      attrs: Object.fromEntries(Object.entries(element.attrs).map(([key, text]) => [key, value(text)])),
      children: element.children
        .filter((child) => typeof child !== 'string' || child.trim() !== '' || element.children.length === 1)
        .map((child) =>
          typeof child !== 'string' ? this.#expand(child) : element.name === 'body' ? child : value(child),
        ),
    };
  }
}

type Groups = Readonly<Record<string, string | undefined>>;
type Act = (this: Player, groups: Groups) => void;

const because = '(?: because "(?<reason>.*)")?';

/** The words of the domain. What has none is sent as XML. */
const inputs: readonly (readonly [usage: string, pattern: RegExp, act: Act])[] = [
  [
    'USER enters ROOM as NICK [with the password "…"] [with history maxstanzas=N|maxchars=N|seconds=N]',
    /^(?<who>\S+) enters (?<room>\S+) as (?<nick>.+?)(?: with the password "(?<password>.*)")?(?: with history (?<history>\S+))?$/,
    function ({ who, room, nick, password, history }) {
      const [kind = '', amount] = (history ?? '').split('=');
      const address = this.address(room);
      const join = {
        ...(password === undefined ? {} : { password }),
        ...(history === undefined ? {} : { history: { [kind]: Number(amount) } }),
      };
      this.sit(who, address, nick);
      this.world.send(
        presence(this.user(who), this.address(`${address}/${nick}`), { id: this.nextId('p') }, writeJoin(join)),
      );
    },
  ],
  [
    'USER leaves [saying "…"]',
    /^(?<who>\S+) leaves(?: saying "(?<text>.*)")?$/,
    function ({ who, text }) {
      const status = text === undefined ? [] : [el('status', NS.client, {}, text)];
      const to = this.address(`${this.room(who)}/${this.nick(who)}`);
      this.world.send(presence(this.user(who), to, { type: 'unavailable' }, ...status));
    },
  ],
  [
    'USER takes the nick NICK',
    /^(?<who>\S+) takes the nick (?<nick>.+)$/,
    function ({ who, nick }) {
      const room = this.room(who);
      this.sit(who, room, nick);
      this.world.send(presence(this.user(who), this.address(`${room}/${nick}`), {}));
    },
  ],
  [
    'USER shows away|chat|dnd|xa ["…"]',
    /^(?<who>\S+) shows (?<show>away|chat|dnd|xa)(?: "(?<text>.*)")?$/,
    function ({ who, show, text }) {
      const status = text === undefined ? [] : [el('status', NS.client, {}, text)];
      const to = this.address(`${this.room(who)}/${this.nick(who)}`);
      this.world.send(presence(this.user(who), to, {}, el('show', NS.client, {}, show as string), ...status));
    },
  ],
  [
    'USER says "…"',
    /^(?<who>\S+) says "(?<text>.*)"$/,
    function ({ who, text = '' }) {
      this.say(who, 'groupchat', el('body', NS.client, {}, text));
    },
  ],
  [
    'USER tells NICK "…"',
    /^(?<who>\S+) tells (?<nick>.+?) "(?<text>.*)"$/,
    function ({ who, nick, text = '' }) {
      this.say(who, 'chat', el('body', NS.client, {}, text), this.address(`${this.room(who)}/${nick}`));
    },
  ],
  [
    'USER sets the subject to "…"',
    /^(?<who>\S+) sets the subject to "(?<text>.*)"$/,
    function ({ who, text = '' }) {
      this.say(who, 'groupchat', el('subject', NS.client, {}, ...(text === '' ? [] : [text])));
    },
  ],
  [
    'USER invites JID [saying "…"]',
    /^(?<who>\S+) invites (?<whom>\S+)(?: saying "(?<text>.*)")?$/,
    function ({ who, whom, text }) {
      const reason = text === undefined ? [] : [el('reason', NS.mucUser, {}, text)];
      const invite = el('invite', NS.mucUser, { to: this.address(whom) }, ...reason);
      this.say(who, undefined, el('x', NS.mucUser, {}, invite));
    },
  ],
  [
    'USER makes NICK a moderator|participant|visitor [because "…"]',
    new RegExp(`^(?<who>\\S+) makes (?<nick>.+) a (?<role>moderator|participant|visitor)${because}$`),
    function ({ who, nick, role, reason }) {
      this.admin(who, 'set', { nick, role }, reason);
    },
  ],
  [
    'USER kicks NICK [because "…"]',
    new RegExp(`^(?<who>\\S+) kicks (?<nick>.+?)${because}$`),
    function ({ who, nick, reason }) {
      this.admin(who, 'set', { nick, role: 'none' }, reason);
    },
  ],
  [
    'USER makes JID affiliation owner|admin|member|none|outcast [because "…"]',
    new RegExp(
      `^(?<who>\\S+) makes (?<whom>\\S+) affiliation (?<affiliation>owner|admin|member|none|outcast)${because}$`,
    ),
    function ({ who, whom, affiliation, reason }) {
      this.admin(who, 'set', { affiliation, jid: whom }, reason);
    },
  ],
  [
    'USER asks for the list of affiliation|role VALUE',
    /^(?<who>\S+) asks for the list of (?<kind>affiliation|role) (?<value>\S+)$/,
    function ({ who, kind = '', value }) {
      this.admin(who, 'get', { [kind]: value });
    },
  ],
  [
    'USER asks for the configuration',
    /^(?<who>\S+) asks for the configuration$/,
    function ({ who }) {
      this.ask(who, this.room(who), 'get', el('query', NS.mucOwner));
    },
  ],
  [
    'USER configures FIELD=VALUE FIELD="…" (fields of muc#roomconfig)',
    /^(?<who>\S+) configures(?<fields>(?: \S+=(?:"[^"]*"|\S+))*)$/,
    function ({ who, fields = '' }) {
      const given = [...fields.matchAll(/ (\S+?)=(?:"([^"]*)"|(\S+))/g)].map(([, name = '', text, word]) => ({
        var: /^\{/.test(name) ? name : `muc#${name === 'maxhistoryfetch' ? '' : 'roomconfig_'}${name}`,
        values: [text ?? word ?? ''],
      }));
      const form = writeForm({ type: 'submit', formType: roomConfigForm, fields: given });
      this.ask(who, this.room(who), 'set', el('query', NS.mucOwner, {}, form));
    },
  ],
  [
    'USER asks ADDRESS for disco#info|disco#items [of NODE]',
    /^(?<who>\S+) asks (?<whom>\S+) for disco#(?<kind>info|items)(?: of (?<node>\S+))?$/,
    function ({ who, whom, kind, node }) {
      const xmlns = kind === 'info' ? NS.discoInfo : NS.discoItems;
      this.ask(who, this.address(whom), 'get', el('query', xmlns, { node }));
    },
  ],
  [
    'USER pings ADDRESS',
    /^(?<who>\S+) pings (?<whom>\S+)$/,
    function ({ who, whom }) {
      this.world.send(ping(this.user(who), this.address(whom), this.nextId('q')));
    },
  ],
  [
    'the link A - B bounces|is silent|is whole',
    /^the link (?<a>\S+) - (?<b>\S+) (?<how>bounces|is silent|is whole)$/,
    function ({ a, b, how }) {
      const cut = how === 'bounces' ? 'bounce' : how === 'is silent' ? 'silent' : undefined;
      this.world.cut(this.server(a), this.server(b), cut);
    },
  ],
  [
    'N s pass',
    /^(?<seconds>[\d.]+) s pass$/,
    function ({ seconds }) {
      this.world.advance(Number(seconds) * 1000);
    },
  ],
  [
    'NODE crashes',
    /^(?<node>\S+) crashes$/,
    function ({ node }) {
      this.crash(node);
    },
  ],
  [
    'NODE starts [without its log]',
    /^(?<node>\S+) starts(?<bare> without its log)?$/,
    function ({ node, bare }) {
      this.boot(node, bare === undefined);
    },
  ],
  [
    'NODE freezes|thaws',
    /^(?<node>\S+) (?<what>freezes|thaws)$/,
    function ({ node, what }) {
      if (what === 'freezes') this.world.freeze(this.address(node));
      else this.world.thaw(this.address(node));
    },
  ],
  [
    'NODE stops',
    /^(?<node>\S+) stops$/,
    function ({ node }) {
      this.world.command(this.address(node), { name: 'stop' });
    },
  ],
  [
    'the next message|presence|iq from ADDRESS to ADDRESS is lost',
    /^the next (?<name>message|presence|iq) from (?<from>\S+) to (?<to>\S+) is lost$/,
    function ({ name, from, to }) {
      const [a, b] = [this.address(from), this.address(to)];
      this.world.lose((stanza) => stanza.name === name && stanza.from === a && stanza.to === b);
    },
  ],
];

const vocabulary = () =>
  [
    'known are:',
    ...inputs.map(([usage]) => usage),
    `> <stanza/>, or > via HOST to NODE <stanza/>; prefixes: ${Object.keys(prefixes).join(' ')}`,
  ].join('\n  ');
