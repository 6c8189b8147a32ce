import { readJoin, subjectChange } from '../core/xep/xep0045.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { bodyOf, errorOf, payloadOf, type Stanza } from '../core/xmpp/stanza.ts';
import type { XmlElement } from '../core/xmpp/xml.ts';
import type { RunOptions, RunResult } from './simulator.ts';
import { stepText } from './step.ts';
import type { SimRecord, Violation } from './trace.ts';

/** Lines of each part: a screen holds both. */
const stepsMax = 12;
const linesMax = 12;

/**
 * A violation told for people: the steps that were taken, then what went over the wires and led to it, in order.
 *
 * @param violation  one of the result's
 */
export function story(result: RunResult, options: RunOptions, violation: Violation): string[] {
  const { plan, start, trace } = result;
  const steps = [...plan.steps, ...plan.afterwards].flatMap((step, n) =>
    (options.only?.has(n) ?? true) ? [`${seconds(step.at)}  step ${n}: ${short(stepText(step))}`] : [],
  );
  const told = violation.at === undefined ? troubles(trace) : chain(trace, violation.at);
  const lines = told.flatMap((record) => {
    const text = words(record);
    return text === undefined ? [] : [`${seconds(record.t - start)}  ${text}`];
  });
  const wires = violation.at === undefined ? 'what was lost or refused on the way:' : 'what led to it:';
  return [
    ...first(steps, stepsMax, 'steps'),
    ...(lines.length > 0 ? [wires, ...last(lines, linesMax).map((line) => `  ${line}`)] : []),
  ];
}

/** The command that repeats the run. */
export function replayCommand(seed: number, { mode, events, only, without, calm, absent }: RunOptions): string {
  const list = (flag: string, values: ReadonlySet<number | string> | undefined) =>
    values === undefined || (values.size === 0 && flag !== '--steps')
      ? ''
      : ` ${flag} ${[...values].join(',') || 'none'}`;
  const rest = `${list('--steps', only)}${list('--without', without)}${list('--calm', calm)}${list('--absent', absent)}`;
  return `npm run sim -- --seed ${seed} --mode ${mode} --events ${events}${rest}`;
}

/** The record and all that led to it, oldest first. */
function chain(trace: readonly SimRecord[], at: number): SimRecord[] {
  const found: SimRecord[] = [];
  for (let i: number | undefined = at; i !== undefined; ) {
    const record: SimRecord | undefined = trace[i];
    if (record === undefined) break;
    found.unshift(record);
    i = 'cause' in record ? record.cause : undefined;
  }
  return found;
}

/** For a violation that no record shows: what did not arrive, what was not kept, and what nodes noted. */
function troubles(trace: readonly SimRecord[]): SimRecord[] {
  return trace.filter(
    (record) =>
      record.kind === 'note' ||
      record.kind === 'undone' ||
      record.kind === 'forgotten' ||
      record.kind === 'untold' ||
      (record.kind === 'session' && !record.up) ||
      (record.kind === 'link' && record.outcome !== 'arrives'),
  );
}

function words(record: SimRecord): string | undefined {
  switch (record.kind) {
    case 'in':
      return `${short(record.by)} → ${short(record.stanza.to)}: ${stanzaWords(record.stanza)} (${record.spec})`;
    case 'link': {
      const [from, to] = record.server.map(short);
      const outcome = { arrives: undefined, twice: 'arrives twice', dropped: 'is lost', bounced: 'bounces' };
      const what = outcome[record.outcome];
      return what && `${stanzaWords(record.stanza)} to ${short(record.stanza.to)} ${what} between ${from} and ${to}`;
    }
    case 'out':
      return `${short(record.to)} gets from ${short(record.stanza.from)}: ${stanzaWords(record.stanza)}`;
    case 'nobody':
      return `nobody is at ${short(record.stanza.to)}`;
    case 'session':
      return `${short(record.user)} is ${record.up ? 'online' : 'gone'}`;
    case 'append':
      return `${short(record.node)} keeps ${record.events.map(({ kind }) => kind).join(', ')}`;
    case 'undone':
      return `${short(record.node)} has lost what it kept ${record.appends.length} times`;
    case 'forgotten':
      return `${short(record.node)} has lost its disk`;
    case 'untold':
      return `${short(record.node)} has kept ${record.appends.length} times what it told nobody`;
    case 'note':
      return `${short(record.node)}: ${short(record.what)} (${record.spec})`;
    case 'act':
    case 'fault':
      return short(record.what);
    case 'phase':
      return undefined;
  }
}

/** A stanza in a few words: what it says, and what else is in it. */
export function stanzaWords(stanza: Stanza): string {
  const { name, type, payloads } = stanza;
  if (type === 'error') return `error ${errorOf(stanza)?.condition ?? ''}`.trim();
  const others = payloads.flatMap(nameOf);
  const more = others.length > 0 ? ` [${others.join(' ')}]` : '';
  if (name === 'message') {
    const body = bodyOf(stanza);
    const subject = subjectChange(stanza);
    const said = body !== undefined ? `"${body.slice(0, 30)}"` : subject !== undefined ? `subject "${subject}"` : '';
    const kind = payloadOf(stanza, 'delay', NS.delay)
      ? 'history'
      : type === 'groupchat'
        ? 'message'
        : 'private message';
    return `${kind} ${said}${more}`;
  }
  if (name === 'presence' && type === undefined && readJoin(payloads)) return `join${more}`;
  return `${name}${type === undefined ? '' : ` ${type}`}${more}`;
}

/** What a payload is, and what is in it; statuses of a room by number. */
function nameOf(payload: XmlElement): string[] {
  const plain = ['body', 'subject', 'delay', 'stanza-id', 'occupant-id'];
  if (plain.includes(payload.name) || payload.xmlns === NS.muc) return [];
  const inside = payload.children.flatMap((child) =>
    typeof child === 'string' || child.name === 'item' ? [] : [child.attrs['code'] ?? child.name],
  );
  if (payload.xmlns === NS.mucUser) return inside;
  return [inside.length > 0 && inside.length <= 4 ? `${payload.name}: ${inside.join(' ')}` : payload.name];
}

/** Without what is the same everywhere: users' resources and the simulator's domain. */
function short(text: string): string {
  return text.replace(/\.sim\b/g, '').replace(/(@s\d+)\/r\b/g, '$1');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3).padStart(9)} s`;
}

function first(lines: readonly string[], most: number, what: string): string[] {
  return lines.length <= most
    ? [...lines]
    : [...lines.slice(0, most - 1), `… and ${lines.length - most + 1} more ${what}`];
}

function last(lines: readonly string[], most: number): string[] {
  return lines.length <= most
    ? [...lines]
    : [`… ${lines.length - most + 1} more before`, ...lines.slice(lines.length - most + 1)];
}
