import type { Input } from '../core/node/input.ts';
import type { NodeEffect } from '../core/node/node.ts';
import type { StepRecord } from '../core/node/trace.ts';
import type { Spec } from '../core/turn/spec.ts';
import type { Instant } from '../core/xmpp/time.ts';
import type { StreamPosition } from './stanza-link.ts';

interface OpenStep {
  readonly record: StepRecord & {
    stream: string;
    readonly tx: StepRecord['tx'][number][];
    readonly notes: StepRecord['notes'][number][];
    appended: number;
  };
  unwritten: number;
  ended: boolean;
  emitted: boolean;
}

/**
 * Builds the step records of one node or character: what came in, what went out because of which rule.
 *
 * A record is complete when all its stanzas are written. Where the stream is gone before that, it is given out as it
 * is, and what is written on the next stream follows as a record of its own.
 */
export class StepLog {
  readonly #node: string;
  readonly #emit: (step: StepRecord) => void;
  readonly #open = new Set<OpenStep>();
  #stream: string | undefined;

  constructor(node: string, emit: (step: StepRecord) => void) {
    this.#node = node;
    this.#emit = emit;
  }

  streamUp(stream: string): void {
    this.#stream = stream;
  }

  streamDown(): void {
    this.#stream = undefined;
    for (const step of [...this.#open]) if (step.ended) this.#give(step);
  }

  begin(t: Instant, input: Input | string, rx?: StreamPosition) {
    const words = rx ? undefined : typeof input === 'string' ? input : inWords(input);
    const step: OpenStep = {
      record: {
        kind: 'step',
        t,
        node: this.#node,
        stream: rx?.stream ?? this.#stream ?? '',
        ...(rx ? { rx: rx.n } : {}),
        ...(words === undefined ? {} : { input: words }),
        ...(typeof input === 'object' && input.kind === 'timer' ? { timer: true } : {}),
        tx: [],
        notes: [],
        appended: 0,
      },
      unwritten: 0,
      ended: false,
      emitted: false,
    };
    this.#open.add(step);
    return {
      appended: (events: number): void => {
        step.record.appended += events;
      },
      note: ({ spec, what, room, peer, sign }: Omit<Extract<NodeEffect, { kind: 'trace' }>, 'kind'>): void => {
        step.record.notes.push({
          spec,
          what,
          ...(room ? { room } : {}),
          ...(peer ? { peer } : {}),
          ...(sign ? { sign } : {}),
        });
      },
      /** Returns what the link calls when the stanza was written. */
      sending: (spec: Spec): ((at: StreamPosition) => void) => {
        step.unwritten++;
        return (at) => this.#written(step, spec, at);
      },
      end: (): void => {
        step.ended = true;
        if (step.unwritten === 0 || this.#stream === undefined) this.#give(step);
      },
    };
  }

  #written(step: OpenStep, spec: Spec, { stream, n }: StreamPosition): void {
    step.unwritten--;
    const { record } = step;
    const first = record.rx === undefined && record.tx.length === 0;
    if (!step.emitted && (stream === record.stream || first)) {
      record.stream = stream;
      // One that was written for many addressees at once (XEP-0033).
      if (record.tx[record.tx.length - 1]?.n !== n) record.tx.push({ n, spec });
      if (step.ended && step.unwritten === 0) this.#give(step);
      return;
    }
    const { kind, t, node } = record;
    this.#emit({ kind, t, node, stream, input: 'sent after reconnecting', tx: [{ n, spec }], notes: [], appended: 0 });
    if (step.ended && step.unwritten === 0) this.#give(step);
  }

  #give(step: OpenStep): void {
    this.#open.delete(step);
    if (step.emitted) return;
    step.emitted = true;
    const { rx, tx, notes, appended } = step.record;
    if (rx === undefined && tx.length === 0 && notes.length === 0 && appended === 0) return;
    this.#emit(step.record);
  }
}

function inWords(input: Input): string {
  switch (input.kind) {
    case 'timer':
      return `timer ${input.timer}`;
    case 'command':
      return input.command.name;
    case 'linkUp':
      return 'connected';
    case 'linkDown':
      return 'connection lost';
    case 'stanza':
      return 'stanza';
    case 'found':
      return 'archive searched';
  }
}
