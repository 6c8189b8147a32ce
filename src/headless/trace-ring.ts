import { bareOf, type Jid } from '../core/xmpp/jid.ts';
import { type Stanza, stanzaText } from '../core/xmpp/stanza.ts';

/** A stanza that a node sent or was handed: who, what, and how much, but no word of what is inside. */
export interface TraceEntry {
  /** ISO 8601. */
  readonly at: string;
  readonly node: string;
  readonly way: 'in' | 'out';
  /** Of the first of several copies. */
  readonly from: string;
  readonly to: string;
  readonly stanza: string;
  readonly type?: string;
  readonly id?: string;
  /** `<name xmlns>` of what is inside. */
  readonly payloads: readonly string[];
  /** Copies that left one after another, and their bytes together. */
  readonly copies: number;
  readonly bytes: number;
  /** The stanza itself, where the operator asked for that; the beginning of a long one. */
  readonly xml?: string;
}

interface Kept {
  readonly t: number;
  readonly node: Jid;
  readonly way: 'in' | 'out';
  readonly stanza: Omit<Stanza, 'payloads'>;
  readonly payloads: readonly string[];
  readonly xml: string | undefined;
  copies: number;
  bytes: number;
}

/** Entries that are kept, of all nodes together. */
const entriesMax = 2000;
const payloadsMax = 8;
const textMax = 200;
const xmlMax = 4096;

/** The last stanzas of the nodes of this process. The copies of a room's message are one entry. */
export class TraceRing {
  /** Whether stanzas are kept as they are. */
  withBodies: boolean;
  #entries: Kept[] = [];
  #next = 0;
  #last: { readonly payloads: Stanza['payloads']; readonly kept: Kept } | undefined;
  readonly #now: () => number;

  constructor(withBodies: boolean, now: () => number) {
    this.withBodies = withBodies;
    this.#now = now;
  }

  add(node: Jid, way: Kept['way'], stanza: Stanza, bytes: number): void {
    const { payloads, ...head } = stanza;
    const last = this.#last;
    if (way === 'out' && last?.payloads === payloads && last.kept.node === node && last.kept.way === way) {
      last.kept.copies++;
      last.kept.bytes += bytes;
      return;
    }
    const kept: Kept = {
      ...{ t: this.#now(), node, way, stanza: head, copies: 1, bytes },
      payloads: payloads.slice(0, payloadsMax).map(({ name, xmlns }) => `<${name} ${xmlns}>`.slice(0, textMax)),
      xml: this.withBodies ? stanzaText(stanza).slice(0, xmlMax) : undefined,
    };
    this.#last = { payloads, kept };
    this.#entries[this.#next] = kept;
    this.#next = (this.#next + 1) % entriesMax;
  }

  /** The last stanzas of a room, oldest first. */
  of(room: Jid, most: number): TraceEntry[] {
    const all = [...this.#entries.slice(this.#next), ...this.#entries.slice(0, this.#next)];
    return all
      .filter(({ way, stanza }) => bareOf(way === 'in' ? stanza.to : stanza.from) === room)
      .slice(-most)
      .map((kept) => this.#shown(kept));
  }

  #shown({ t, node, way, stanza, payloads, copies, bytes, xml }: Kept): TraceEntry {
    const { name, from, to, type, id } = stanza;
    return {
      ...{ at: new Date(t).toISOString(), node, way, from, to, stanza: name },
      ...(type === undefined ? {} : { type: type.slice(0, textMax) }),
      ...(id === undefined ? {} : { id: id.slice(0, textMax) }),
      ...{ payloads, copies, bytes },
      // What was kept before the operator changed their mind is not shown.
      ...(xml === undefined || !this.withBodies ? {} : { xml }),
    };
  }
}
