import { NS } from '../../src/core/xmpp/namespaces.ts';
import { elementsOf, escapeAttribute, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { parseElement } from '../../src/server/parser.ts';

/** Marks what the interpreter reads inside an expected stanza; bound to the prefix `s`. */
export const scriptNs = 'urn:x-netsplit:script';

/** One line of a dialogue, with its number in the file. */
export type Step = { readonly line: number; readonly text: string } & (
  | { readonly kind: 'connects' | 'disconnects' | 'forgets' | 'receives nothing'; readonly who: string }
  /** Enters with the given `<x/>`'s children, and forgets what that brings. */
  | { readonly kind: 'joins'; readonly who: string; readonly room: string; readonly nick: string; readonly xml: string }
  /** Makes a room by entering it, and configures it: a value a field. */
  | {
      readonly kind: 'creates';
      readonly who: string;
      readonly room: string;
      readonly nick: string;
      readonly fields: readonly (readonly [string, string])[];
    }
  | { readonly kind: 'sends' | 'sends verbatim'; readonly who: string; readonly xml: string }
  | { readonly kind: 'receives'; readonly who: string; readonly inOrder: boolean; readonly xml: string }
  /** On the named seats these steps stand in for the step before. */
  | {
      readonly kind: 'differs';
      readonly seats: readonly string[];
      readonly reason: string;
      readonly steps: readonly Step[];
    }
);

export interface Script {
  readonly file: string;
  /** Number and name of the section, from the first line. */
  readonly title: string;
  /** Name of each client, and the address it declares. */
  readonly clients: ReadonlyMap<string, string>;
  readonly steps: readonly Step[];
  /** Seats on which the whole dialogue cannot succeed, and why. */
  readonly differs: ReadonlyMap<string, string>;
}

export class ScriptError extends Error {}

/**
 * Reads a script:
 *
 *     # XEP-0045 §7.4 Sending a Message to All Occupants
 *     [Client] crone crone1@{host}/desktop
 *     crone connects
 *     crone creates {room} as firstwitch
 *       muc#roomconfig_moderatedroom = 1
 *     crone sends:
 *       <message …/>
 *     hag receives in order:
 *       <message …/>
 *       <message …/>
 *     differs prosody: why
 *       hag forgets
 *
 * What is indented belongs to the line above; lines that begin with `--` are remarks.
 *
 * @throws ScriptError
 */
export function readScript(file: string, source: string): Script {
  const lines = source.split('\n').map((text, i) => ({ text: text.trimEnd(), line: i + 1 }));
  const kept = lines.filter(({ text }) => text.trim() !== '' && !text.trimStart().startsWith('--'));
  const [first, ...rest] = kept;
  const title = /^# (.+)$/.exec(first?.text ?? '')?.[1];
  if (title === undefined) throw new ScriptError(`${file}: the first line is "# title"`);
  const clients = new Map<string, string>();
  const differs = new Map<string, string>();
  const dialogue = rest.filter(({ text, line }) => {
    const client = /^\[Client\] (\w+) (\S+)$/.exec(text);
    if (client) clients.set(client[1] as string, client[2] as string);
    const whole = /^# differs (\S+): (.+)$/.exec(text);
    for (const seat of whole?.[1]?.split(',') ?? []) differs.set(seat, whole?.[2] as string);
    if (text.startsWith('#') && !whole) throw new ScriptError(`${file}:${line}: "# differs seat: reason" expected`);
    return !client && !whole;
  });
  return { file, title, clients, steps: readSteps(file, dialogue, clients), differs };
}

interface Line {
  readonly text: string;
  readonly line: number;
}

function readSteps(file: string, lines: readonly Line[], clients: ReadonlyMap<string, string>): Step[] {
  const steps: Step[] = [];
  for (let i = 0; i < lines.length; ) {
    const head = lines[i] as Line;
    const indent = indentOf(head);
    const block: Line[] = [];
    for (i++; i < lines.length && indentOf(lines[i] as Line) > indent; i++) block.push(lines[i] as Line);
    steps.push(readStep(file, head, block, clients));
  }
  return steps;
}

const indentOf = ({ text }: Line) => text.length - text.trimStart().length;

function readStep(file: string, { text: raw, line }: Line, block: readonly Line[], clients: Script['clients']): Step {
  const text = raw.trim();
  const at = { line, text };
  const fail = (why: string) => new ScriptError(`${file}:${line}: ${why}: ${text}`);
  const differs = /^differs (\S+): (.+)$/.exec(text);
  if (differs) {
    const [, seats = '', reason = ''] = differs;
    return { ...at, kind: 'differs', seats: seats.split(','), reason, steps: readSteps(file, block, clients) };
  }
  const [, who = '', verb = ''] = /^(\w+) (.+)$/.exec(text) ?? [];
  if (!clients.has(who)) throw fail('no such client');
  const xml = block.map((each) => each.text).join('\n');
  const entering = /^(joins|creates) (\S+) as (.+)$/.exec(verb);
  if (entering) {
    const [, kind, room = '', nick = ''] = entering;
    if (kind === 'joins') return { ...at, kind: 'joins', who, room, nick, xml };
    const fields = block.map((each) => {
      const [, name = '', value = ''] = /^\s*(\S+) =\s?(.*)$/.exec(each.text) ?? [];
      if (name === '') throw fail(`"field = value" expected instead of ${each.text.trim()}`);
      return [name, value] as const;
    });
    return { ...at, kind: 'creates', who, room, nick, fields };
  }
  if (verb === 'sends:') return { ...at, kind: 'sends', who, xml };
  // Not read and written again: prefixes stay.
  if (verb === 'sends verbatim:') return { ...at, kind: 'sends verbatim', who, xml };
  if (verb === 'receives:') return { ...at, kind: 'receives', who, inOrder: false, xml };
  if (verb === 'receives in order:') return { ...at, kind: 'receives', who, inOrder: true, xml };
  if (verb === 'connects' || verb === 'disconnects' || verb === 'forgets' || verb === 'receives nothing')
    return { ...at, kind: verb, who };
  throw fail('what is this?');
}

/** Values of `{name}`; other braces stay. */
export function fill(text: string, values: ReadonlyMap<string, string>, quote = (value: string) => value): string {
  return text.replace(/\{([\w.]+)\}/g, (whole, name: string) => {
    const value = values.get(name);
    return value === undefined ? whole : quote(value);
  });
}

/** The stanzas of a block, `{name}` filled in; they are in `jabber:client` unless they say otherwise. */
export function readStanzas(xml: string, values: ReadonlyMap<string, string>): readonly XmlElement[] {
  const text = fill(xml, values, escapeAttribute);
  const parsed = parseElement(`<block xmlns="${NS.client}" xmlns:s="${scriptNs}">${text}</block>`);
  if (!parsed.ok) throw new ScriptError(`${parsed.text} in\n${text}`);
  return elementsOf(parsed.element);
}
