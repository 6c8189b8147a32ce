import { bareOf, resourceOf } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import type { Stanza } from '../../src/core/xmpp/stanza.ts';
import { elementsOf, textOf, type XmlElement } from '../../src/core/xmpp/xml.ts';
import type { Sent, World } from '../support/world.ts';
import type { Network } from './network.ts';

/** Columns; what is longer goes on below, further in. */
const width = 118;

// The element that a namespace is about has the namespace's name; its children are called as they are.
const labels: Readonly<Record<string, string>> = {
  [`${NS.muc} x`]: 'muc',
  [`${NS.mucUser} x`]: 'user',
  [`${NS.mucAdmin} query`]: 'admin',
  [`${NS.mucOwner} query`]: 'owner',
  [`${NS.discoInfo} query`]: 'disco#info',
  [`${NS.discoItems} query`]: 'disco#items',
  [`${NS.dataForms} x`]: 'form',
  [`${NS.dmuc2} x`]: 'dmuc',
  [`${NS.fmuc} fmuc`]: 'fmuc',
  [`${NS.delay} delay`]: 'delay',
  [`${NS.sid} stanza-id`]: 'stanza-id',
  [`${NS.sid} origin-id`]: 'origin-id',
  [`${NS.occupantId} occupant-id`]: 'occupant-id',
  [`${NS.ping} ping`]: 'ping',
  'jabber:iq:register query': 'register',
  'urn:xmpp:mam:2 query': 'mam',
  'urn:xmpp:mam:2 result': 'mam-result',
  'urn:xmpp:mam:2 fin': 'mam-fin',
  'urn:xmpp:forward:0 forwarded': 'forwarded',
  'http://jabber.org/protocol/rsm set': 'rsm',
  'jabber:x:conference x': 'conference',
};

/** Namespaces with several elements of their own. */
const prefixes: Readonly<Record<string, string>> = { [NS.ext]: 'ext:', [NS.dmuc1]: 'dmuc1:' };

interface Said {
  readonly from: string;
  readonly arrow: string;
  readonly to: string;
  readonly nick: string;
  readonly text: string;
}

/** Writes stanzas as the lines of one dialogue: short names, ids in order of appearance, times since its beginning. */
export class Printer {
  readonly #network: Network;
  readonly #world: World;
  readonly #start: number;
  readonly #ids = new Map<string, string>();

  constructor(network: Network, world: World) {
    this.#network = network;
    this.#world = world;
    this.#start = world.now;
  }

  /** What was sent since the world was last cleared. */
  print(): string[] {
    const said = this.#world.sent.map((each) => this.#said(each));
    const runs: { head: Said; to: string[]; lines: Said[] }[] = [];
    for (const each of said) {
      const run = runs.at(-1);
      const { from, arrow } = run?.head ?? {};
      if (run && from === each.from && arrow === each.arrow && run.to[0] === each.to) run.lines.push(each);
      else runs.push({ head: each, to: [each.to], lines: [each] });
    }
    // The same to one after the other is one line: "coven → crone1, hag66".
    const shown: typeof runs = [];
    for (const run of runs) {
      const before = shown.at(-1);
      const alike =
        before &&
        [before, run].map(({ head: { from, arrow }, lines }) =>
          JSON.stringify([from, arrow, lines.map(({ nick, text }) => [nick, text])]),
        );
      if (before && alike && alike[0] === alike[1]) before.to.push(...run.to);
      else shown.push({ ...run });
    }
    return shown.flatMap(({ head: { from, arrow }, to, lines }) => {
      const [first, ...more] = lines;
      const nickOf = ({ nick }: Said) => (nick === '' ? '' : `/${nick}`);
      if (first && more.length === 0)
        return wrap(`${from}${nickOf(first)} ${arrow} ${to.join(', ')}: ${first.text}`, 0);
      return [
        `${from} ${arrow} ${to.join(', ')}:`,
        ...lines.flatMap((line) => wrap(line.nick === '' ? line.text : `${nickOf(line)} ${line.text}`, 2)),
      ];
    });
  }

  #said(sent: Sent): Said {
    const { stanza, spec, server, outcome } = sent;
    const by = this.#world.senderOf(sent);
    const user = [...this.#network.users.values()].includes(stanza.from);
    const rule = spec === 'test' || spec === 'bounce' ? '' : ` [${spec}]`;
    const what = outcome ? ` -- ${outcome}` : spec === 'bounce' ? ' -- a bounce' : '';
    // A replica speaks in the room's name or in a user's.
    const through = by?.includes('@') && bareOf(stanza.from) !== by ? `by ${this.#value(by)} ` : '';
    return {
      from: user ? this.#value(stanza.from) : this.#value(bareOf(stanza.from)),
      nick: user ? '' : resourceOf(stanza.from),
      arrow: `${through}${server ? '⇒' : '→'}`,
      to: this.#value(stanza.to),
      text: `${this.#stanza(stanza)}${rule}${what}`,
    };
  }

  #stanza({ name, type, id, lang, payloads }: Pick<Stanza, 'name' | 'type' | 'id' | 'lang' | 'payloads'>): string {
    const head = [name, type, id === undefined ? undefined : `id=${this.#value(id)}`, lang && `lang=${lang}`];
    const parts = payloads.map((payload) => this.#element(payload, NS.client));
    return [...head, ...parts].filter((part) => part !== undefined).join(' ');
  }

  #element(element: XmlElement, inherited: string): string {
    const { name, xmlns, attrs, children } = element;
    const plain = Object.keys(attrs).length === 0 && elementsOf(element).length === 0;
    if (xmlns === NS.client && name === 'body' && plain) return quoted(textOf(element));
    if (xmlns === NS.client && name === 'error') return this.#error(element);
    if (xmlns === NS.mucUser && name === 'status' && children.length === 0) return attrs['code'] ?? 'status';
    if (xmlns === NS.dataForms && name === 'field') return this.#field(element);
    if (xmlns === NS.client && /^(message|presence|iq)$/.test(name) && inherited !== NS.client)
      return this.#inner(element);
    const label =
      labels[`${xmlns} ${name}`] ?? (xmlns === inherited ? name : `${prefixes[xmlns] ?? `{${xmlns}}`}${name}`);
    if (name === 'occupant-id' && children.length === 0) return `${label}=${this.#value(attrs['id'] ?? '')}`;
    const words: string[] = [];
    for (const [key, value] of Object.entries(attrs)) {
      const short = this.#value(value);
      // Rank and role say of themselves what they are.
      const bare =
        name === 'item' &&
        (key === 'affiliation' || key === 'role') &&
        attrs[key === 'role' ? 'affiliation' : 'role'] !== undefined;
      words.push(bare ? short : `${key}=${/[\s\]]/.test(short) || short === '' ? quoted(short) : short}`);
    }
    const inside = children.map((child) =>
      typeof child === 'string' ? quoted(this.#value(child)) : this.#element(child, xmlns),
    );
    const text = inside.length === 1 && typeof children[0] === 'string' && words.length === 0;
    return `${label}${words.length > 0 ? `[${words.join(' ')}]` : ''}${inside.length === 0 ? (plain && name === 'subject' ? ' ""' : '') : text ? ` ${inside[0]}` : `(${inside.join(' ')})`}`;
  }

  /** A stanza inside another: forwarded. */
  #inner({ name, attrs, children }: XmlElement): string {
    const { from, type, id, to } = attrs;
    const payloads = children.filter((child) => typeof child !== 'string');
    const rest = { ...(type === undefined ? {} : { type }), ...(id === undefined ? {} : { id }) };
    const whose = `${from === undefined ? '' : this.#value(from)}${to === undefined ? '' : ` → ${this.#value(to)}`}`;
    return `${whose}: ${this.#stanza({ name: name as Stanza['name'], ...rest, payloads })}`;
  }

  #error(error: XmlElement): string {
    const parts = elementsOf(error).map((child) =>
      child.name === 'text'
        ? quoted(textOf(child))
        : child.xmlns === NS.stanzas
          ? child.name
          : this.#element(child, NS.client),
    );
    const by = error.attrs['by'] === undefined ? [] : [`by=${this.#value(error.attrs['by'])}`];
    return `error(${[error.attrs['type'] ?? '', ...by, ...parts].join(' ')})`;
  }

  /** Labels, types and options are what people see of a form; a dialogue is about names and values. */
  #field(field: XmlElement): string {
    const values = elementsOf(field).filter(({ name }) => name === 'value');
    const written = values.map((value) => {
      const text = this.#value(textOf(value));
      return /[\s,]/.test(text) || text === '' ? quoted(text) : text;
    });
    return `${field.attrs['var'] ?? ''}=${written.join(',')}`;
  }

  /** Short names for addresses, #1 for an id that a node drew, T+n for a time n seconds after the beginning. */
  #value(text: string): string {
    for (const [name, address] of this.#network.names) {
      if (text === address) return name;
      if (text.startsWith(`${address}/`)) return `${name}${text.slice(address.length)}`;
    }
    const at = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text)
      ? Date.parse(text)
      : /^\d{12}$/.test(text)
        ? Number(text)
        : Number.NaN;
    if (Math.abs(at - this.#start) < 86_400_000) {
      const seconds = (at - this.#start) / 1000;
      return `T${seconds < 0 ? '' : '+'}${seconds}`;
    }
    return text.replace(/\bid\d+\b/g, (id) => {
      const known = this.#ids.get(id) ?? `#${this.#ids.size + 1}`;
      this.#ids.set(id, known);
      return known;
    });
  }
}

const quoted = (text: string) => JSON.stringify(text);

/** Breaks a line between words; a quotation and the attributes of an element stay together. */
function wrap(text: string, indent: number): string[] {
  const words = text.match(/(?:"(?:\\.|[^"\\])*"|\[(?:"(?:\\.|[^"\\])*"|[^\]"])*\]|[^\s"])+/g) ?? [];
  const lines: string[] = [];
  let line = ' '.repeat(indent);
  for (const [i, word] of words.entries()) {
    if (i > 0 && line.length + 1 + word.length > width) {
      lines.push(line);
      line = `${' '.repeat(indent + 4)}${word}`;
    } else line += i === 0 ? word : ` ${word}`;
  }
  return [...lines, line];
}
