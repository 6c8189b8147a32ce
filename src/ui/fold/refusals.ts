import type { TracedStanza } from '../../core/node/trace.ts';
import { childrenOf, peekChildren } from '../trace/peek.ts';
import type { ModelEvent } from './event.ts';
import type { Events } from './events.ts';
import { conditionIn, errorText } from './summary.ts';
import type { Transcripts } from './transcripts.ts';

/** What somebody asked for and did not get; or what was done to them. */
export type Refused = 'message' | 'private' | 'subject' | 'entry' | 'nick' | 'presence' | 'kicking' | Removal;
type Removal = 'kick' | 'ban' | 'rank' | 'members-only' | 'shutdown' | 'destroyed';

export interface Refusal {
  /** Full JID of whoever was refused. */
  readonly who: string;
  /** The stanza that told them; of what is unanswered that which they sent. */
  readonly event: number;
  /** Of an error (RFC 6120 §8.3.3); `unanswered` where none has come, nor anything else. */
  readonly condition?: string;
  /** What the room says, for people to read. */
  readonly text?: string;
  /** Of a removal: what it was. Of an error it follows from what they had asked for. */
  readonly removal?: Removal;
  /** Of the stanza that was refused. */
  readonly id: string | undefined;
}

/** XEP-0045 §15.6: what the own presence says to whoever is put out of a room. */
const removals: readonly (readonly [number, Removal])[] = [
  [301, 'ban'],
  [307, 'kick'],
  [321, 'rank'],
  [322, 'members-only'],
  [332, 'shutdown'],
];
const untoldMax = 20;
const saidMax = 500;

/**
 * By person: how they were refused last. That is over with the next thing that they send, or when the room gives them back
 * what perhaps had got lost.
 */
export class Refusals {
  readonly #events: Events;
  readonly #transcripts: Transcripts;
  readonly #last = new Map<string, Refusal>();
  /** By user and id: what was said lately, or asked by a moderator. */
  readonly #said = new Map<string, number>();
  /** By user and id: that nobody has answered it was told. */
  readonly #unanswered = new Set<string>();
  /** Refusals not yet spoken: the live region takes them. */
  untold: Refusal[] = [];

  constructor(events: Events, transcripts: Transcripts) {
    this.#events = events;
    this.#transcripts = transcripts;
  }

  /** Of several devices, that which was refused last. @param devices  full JIDs */
  of(devices: readonly string[]): Refusal | undefined {
    return devices
      .flatMap((jid) => this.#last.get(jid) ?? [])
      .reduce<Refusal | undefined>((last, one) => (last && last.event > one.event ? last : one), undefined);
  }

  /** What was refused. */
  whatOf({ event, who, id, removal }: Refusal): Refused {
    if (removal) return removal;
    const said = this.#said.get(`${who} ${id}`);
    const asked = this.#events
      .pathTo(said ?? event)
      .map((one) => this.#events.get(one))
      .findLast((one) => one?.leg === 'in' && one.from === who);
    return refusedOf(asked ?? this.#events.get(event));
  }

  /** A stanza that a user handed to their server: they go on. */
  sent({ id: event, from, stanza }: ModelEvent): void {
    if (!stanza || stanza.type === 'error' || (stanza.name === 'iq' && !isModeration(stanza))) return;
    this.#last.delete(from);
    if ((stanza.name !== 'iq' && stanza.type !== 'groupchat') || stanza.id === undefined) return;
    this.#said.set(`${from} ${stanza.id}`, event);
    if (this.#said.size > saidMax) this.#said.delete(this.#said.keys().next().value as string);
  }

  /** What a user of this page said and nobody has answered by now. @param ids  of all that */
  unanswered(who: string, ids: readonly string[] = []): void {
    for (const id of ids) {
      const key = `${who} ${id}`;
      const event = this.#said.get(key);
      if (event === undefined || this.#unanswered.has(key)) continue;
      this.#unanswered.add(key);
      this.#refuse({ who, event, id, condition: 'unanswered' });
    }
  }

  /** A stanza that a user was handed. */
  handed(event: ModelEvent): void {
    const { id, t, to: who, stanza } = event;
    if (!stanza || (stanza.name === 'iq' && !this.#answersModeration(event))) return;
    const last = this.#last.get(who);
    if (last?.id !== undefined && stanza.type === 'groupchat' && stanza.id === last.id) this.#last.delete(who);
    const removal = stanza.name === 'presence' && stanza.type === 'unavailable' ? removalIn(stanza.xml) : undefined;
    if (stanza.type !== 'error' && removal === undefined) return;
    const text = removal ? textIn(stanza.xml, 'reason') : errorText(stanza);
    const refusal: Refusal = {
      who,
      event: id,
      id: stanza.id,
      ...(removal ? { removal } : { condition: conditionIn(stanza) }),
      ...(text === undefined ? {} : { text }),
    };
    this.#refuse(refusal);
    // Of a message the transcript has it already.
    if (stanza.name !== 'message' && !removal) {
      const line = { id, t, kind: 'error', nick: 'the room', text: text ?? conditionIn(stanza) } as const;
      this.#transcripts.write(who, line);
    }
  }

  /** Of requests only those of moderators are refused so that people see it: the rest is the work of clients. */
  #answersModeration({ to, stanza }: ModelEvent): boolean {
    return stanza?.type === 'error' && this.#said.has(`${to} ${stanza.id}`);
  }

  #refuse(refusal: Refusal): void {
    this.#last.set(refusal.who, refusal);
    this.untold = [...this.untold, refusal].slice(-untoldMax);
  }
}

/** @param event  what was asked for; or the answer, where that is all there is */
function refusedOf(event: ModelEvent | undefined): Refused {
  const { stanza } = event ?? {};
  if (!stanza) return 'message';
  if (stanza.name === 'iq') return 'kicking';
  const children = childrenOf(stanza);
  if (stanza.name === 'presence') {
    if (stanza.xml.includes('xmlns="http://jabber.org/protocol/muc"')) return 'entry';
    return event?.leg === 'in' && children.some(({ name }) => name === 'show' || name === 'status')
      ? 'presence'
      : 'nick';
  }
  if (event?.leg === 'in' && stanza.type !== 'groupchat') return 'private';
  return children.some(({ name }) => name === 'subject') ? 'subject' : 'message';
}

/** XEP-0045 §8: what a moderator asks a room to do to somebody. */
function isModeration({ name, type, xml }: TracedStanza): boolean {
  return name === 'iq' && type === 'set' && xml.includes('xmlns="http://jabber.org/protocol/muc#admin"');
}

/** Only the own presence has the status 110. */
function removalIn(xml: string): Removal | undefined {
  const codes = [...xml.matchAll(/<status\s[^<>]*code="(\d{3})"/g)].map(([, code]) => Number(code));
  if (!codes.includes(110)) return undefined;
  const removal = removals.find(([code]) => codes.includes(code))?.[1];
  return removal ?? (/<destroy[\s/>]/.test(xml) ? 'destroyed' : undefined);
}

function textIn(xml: string, name: string): string | undefined {
  const [element] = new RegExp(`<${name}(?:\\s[^<>]*)?>[^<]+</${name}>`).exec(xml) ?? [];
  return element && peekChildren(`<x>${element}</x>`)[0]?.text;
}
