import { ndjson } from '../../src/sim/ndjson.ts';
import type { Mode } from '../../src/sim/plan.ts';
import { run } from '../../src/sim/simulator.ts';
import { TraceReader } from '../../src/ui/trace/read-trace.ts';
import type { ModelRecord } from '../../src/ui/trace/records.ts';
import type { Trace } from '../../src/ui/trace/trace.ts';

/** The trace that `npm run sim -- --seed N --mode M --events 40 --json` writes. */
export function simulated(seed: number, mode: Mode, events = 40): string {
  const options = { mode, events, statuses: true };
  return [...ndjson(seed, options, run(seed, options))].join('');
}

/** @throws TraceError */
/** What a model is folded from: a file may also say how far somebody is. */
export function recordsOf({ lines }: Trace): readonly ModelRecord[] {
  return lines.flatMap(({ record }) => ('progress' in record ? [] : [record]));
}

export function readAll(text: string, pieces = 64_000): Trace {
  const reader = new TraceReader();
  for (let at = 0; at < text.length; at += pieces) reader.push(text.slice(at, at + pieces));
  return reader.end();
}

export interface Written {
  header: Record<string, unknown>;
  lines: Record<string, unknown>[];
}

/** A small trace to be spoilt: two servers, a primary and a replica, a line of each kind. */
export function small(): Written {
  const t = Date.UTC(2026, 0, 1);
  const stanza = {
    name: 'message',
    from: 'u@a.sim/r',
    to: 'hall@rooms.a.sim',
    type: 'groupchat',
    id: 'i1',
    xml: '<message from="u@a.sim/r" to="hall@rooms.a.sim" type="groupchat" id="i1"><body>Hello</body></message>',
    bytes: 101,
  };
  const occupants = [{ nick: 'nick0', jid: 'u@a.sim/r', role: 'participant', affiliation: 'none' }];
  const room = { room: 'hall@rooms.a.sim', role: 'primary', epoch: 1, historyLength: 0, subject: '', occupants };
  const peers = [{ peer: 'replica@b.sim', state: 'live', since: t }];
  return {
    header: {
      format: 'netsplit-trace',
      version: 1,
      origin: 'sim',
      seed: 3,
      mode: '0282',
      start: t,
      servers: ['a.sim', 'b.sim'],
      links: [{ between: ['a.sim', 'b.sim'], latencyMs: 70, jitterMs: 5, bytesPerSecond: 0 }],
      nodes: [
        {
          kind: 'service',
          address: 'rooms.a.sim',
          server: 'a.sim',
          rooms: [
            {
              jid: 'hall@rooms.a.sim',
              distribution: { kind: 'primary', replicas: [{ jid: 'replica@b.sim', serves: ['b.sim'] }] },
            },
          ],
        },
        {
          kind: 'replica',
          address: 'replica@b.sim',
          server: 'b.sim',
          replicaOf: 'hall@rooms.a.sim',
          serves: ['b.sim'],
        },
      ],
      people: [{ jid: 'u@a.sim/r', nick: 'nick0', room: 'hall@rooms.a.sim' }],
      violations: [{ invariant: 'G3', what: 'as if', seq: 5 }],
    },
    lines: [
      {
        kind: 'session',
        t,
        up: true,
        address: 'rooms.a.sim',
        server: 'a.sim',
        stream: 'rooms.a.sim#1',
        role: 'service',
      },
      {
        kind: 'status',
        t,
        node: 'rooms.a.sim',
        status: { address: 'rooms.a.sim', server: 'a.sim', rooms: [{ ...room, peers }] },
      },
      { kind: 'act', t: t + 10, step: 0, what: 'u@a.sim speaks' },
      {
        kind: 'hop',
        t: t + 10,
        leg: 'in',
        from: 'u@a.sim/r',
        to: 'a.sim',
        stanza,
        stream: 'u@a.sim/r#1',
        n: 1,
        cause: 3,
        spec: '0045#7.4',
      },
      {
        kind: 'hop',
        t: t + 10,
        leg: 'link',
        from: 'a.sim',
        to: 'b.sim',
        server: ['a.sim', 'b.sim'],
        stanza,
        arrives: t + 80,
        cause: 4,
      },
      { kind: 'append', t: t + 11, from: 'rooms.a.sim', events: [{ kind: 'messageAccepted' }], cause: 4 },
      {
        kind: 'step',
        t: t + 12,
        node: 'rooms.a.sim',
        stream: 'rooms.a.sim#1',
        tx: [],
        notes: [{ spec: '0282#4.11', what: 'split', peer: 'replica@b.sim', sign: 'bounce' }],
        appended: 0,
        cause: 6,
      },
      {
        kind: 'link',
        t: t + 13,
        server: ['a.sim', 'b.sim'],
        state: 'silent',
        ways: ['up', 'silent'],
        loss: 0.5,
        twice: 0,
      },
      { kind: 'fault', t: t + 14, from: 'rooms.a.sim', what: 'these appends are lost', appends: [6] },
      {
        kind: 'session',
        t: t + 14,
        up: false,
        address: 'rooms.a.sim',
        server: 'a.sim',
        stream: 'rooms.a.sim#1',
        role: 'service',
      },
      { kind: 'state', t: t + 500, what: 'healed' },
    ],
  };
}

/** A run of the network of `small` in which u@a.sim says so many things to v@b.sim: nine hops each. */
export function talk(messages: number): string {
  const { header, lines } = small();
  const t = lines[0]?.['t'] as number;
  const people = [
    { jid: 'u@a.sim/r', nick: 'Ursula', room: 'hall@rooms.a.sim' },
    { jid: 'v@b.sim/r', nick: 'Viktor', room: 'hall@rooms.a.sim' },
  ];
  const told: Record<string, unknown>[] = [];
  for (let i = 0; i < messages; i++) {
    const first = told.length + 1;
    const say = (from: string, to: string) => {
      const xml = `<message from="${from}" to="${to}" type="groupchat" id="m${i}"><body>Message ${i}</body></message>`;
      return { name: 'message', from, to, type: 'groupchat', id: `m${i}`, xml, bytes: xml.length };
    };
    /** @param after  how many lines before it its cause is */
    const hop = (leg: string, from: string, to: string, stanza: object, after: number, more: object = {}) =>
      told.push({
        kind: 'hop',
        t: t + 100 * i + told.length + 1 - first,
        leg,
        from,
        to,
        stanza,
        cause: told.length + 1 - after,
        ...more,
      });
    const said = say('u@a.sim/r', 'hall@rooms.a.sim');
    const copy = say('hall@rooms.a.sim/Ursula', 'replica@b.sim');
    told.push({ kind: 'act', t: t + 100 * i, step: i, what: 'u@a.sim speaks' });
    hop('in', 'u@a.sim/r', 'a.sim', said, 1, { spec: '0045#7.4' });
    hop('out', 'a.sim', 'rooms.a.sim', said, 1);
    hop('in', 'rooms.a.sim', 'a.sim', copy, 1, { spec: '0282#4.9' });
    hop('link', 'a.sim', 'b.sim', copy, 1, { server: ['a.sim', 'b.sim'], arrives: t + 100 * i + 74 });
    hop('out', 'b.sim', 'replica@b.sim', copy, 1);
    hop('in', 'replica@b.sim', 'b.sim', say('hall@rooms.a.sim/Ursula', 'v@b.sim/r'), 1, { spec: '0282#4.9' });
    hop('out', 'b.sim', 'v@b.sim/r', say('hall@rooms.a.sim/Ursula', 'v@b.sim/r'), 1);
    hop('in', 'rooms.a.sim', 'a.sim', say('hall@rooms.a.sim/Ursula', 'u@a.sim/r'), 6, { spec: '0045#7.4' });
    hop('out', 'a.sim', 'u@a.sim/r', say('hall@rooms.a.sim/Ursula', 'u@a.sim/r'), 1);
  }
  return written({ header: { ...header, people, violations: [] }, lines: told });
}

export function written({ header, lines }: Written): string {
  return [header, ...lines.map((line, i) => ({ seq: i + 1, ...line }))]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
}
