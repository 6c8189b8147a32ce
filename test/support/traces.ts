import { ndjson } from '../../src/sim/ndjson.ts';
import type { Mode } from '../../src/sim/plan.ts';
import { run } from '../../src/sim/simulator.ts';
import { type Trace, TraceReader } from '../../src/ui/trace/read-trace.ts';

/** The trace that `npm run sim -- --seed N --mode M --events 40 --json` writes. */
export function simulated(seed: number, mode: Mode, events = 40): string {
  const options = { mode, events, statuses: true };
  return [...ndjson(seed, options, run(seed, options))].join('');
}

/** @throws TraceError */
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

export function written({ header, lines }: Written): string {
  return [header, ...lines.map((line, i) => ({ seq: i + 1, ...line }))]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
}
