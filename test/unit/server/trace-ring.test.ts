import { describe, expect, it } from 'vitest';
import { KnownStatuses } from '../../../src/core/node/known-status.ts';
import { statusChanges } from '../../../src/core/node/status-changes.ts';
import type {
  HopRecord,
  NodeStatus,
  RoomStatus,
  SessionRecord,
  StatusRecord,
  TraceRecord,
} from '../../../src/core/node/trace.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { nodeLimits } from '../../../src/core/xmpp/size.ts';
import { message, readdressed } from '../../../src/core/xmpp/stanza.ts';
import { instant } from '../../../src/core/xmpp/time.ts';
import { el, escapeText, utf8Length } from '../../../src/core/xmpp/xml.ts';
import { TraceLog } from '../../../src/server/trace.ts';
import { FakeHost } from '../../support/server.ts';

const mib = 1024 * 1024;

function log(bytes: number) {
  const host = new FakeHost();
  const trace = new TraceLog(host, bytes);
  const from = jid('romeo@lit/r');
  const room = jid('hall@rooms.lit');
  const says = (text: string, copies = 1) => {
    const stanza = message(from, room, { type: 'groupchat' }, el('body', NS.client, {}, text));
    for (let n = 0; n < copies; n++)
      trace.hop('out', from, room, readdressed(stanza, jid(`user${n}@lit/r`)), {}, { stream: 's', n });
  };
  /** Watches from now on. */
  const watch = (isReady: () => boolean = () => true) => {
    const seen: TraceRecord[] = [];
    const lengths: number[] = [];
    const end = trace.subscribe({
      ready: isReady,
      batch: (json) => {
        lengths.push(utf8Length(escapeText(json)));
        seen.push(...(JSON.parse(json) as TraceRecord[]));
      },
    });
    host.advance(100);
    return { seen, lengths, end };
  };
  return { host, trace, says, watch };
}

const session = (n: number, up: boolean) =>
  ({ kind: 'session', up, address: `u${n}@lit/r`, server: 'lit', stream: `s${n}`, role: 'user' }) as const;
const bodies = (seen: readonly TraceRecord[]) =>
  seen.flatMap((one) => (one.kind === 'hop' ? [/<body>([^<]*)/.exec(one.stanza.xml)?.[1] ?? ''] : []));

const room = (n: number, occupants = 1): RoomStatus => ({
  room: `room${n}@rooms.lit`,
  role: 'plain',
  epoch: 1,
  historyLength: 0,
  subject: '',
  occupants: Array.from({ length: occupants }, (_, who) => ({
    nick: `nick${who}`,
    jid: `user${who}@lit/r`,
    role: 'participant',
    affiliation: 'none',
  })),
  peers: [],
});
const service = (rooms: readonly RoomStatus[]): NodeStatus => ({ address: 'rooms.lit', server: 'lit', rooms });
const reports = (before: NodeStatus | undefined, now: NodeStatus): StatusRecord[] =>
  statusChanges(before, now).map((change) => ({ kind: 'status', t: instant(1), node: 'rooms.lit', ...change }));
function known(seen: readonly TraceRecord[]): NodeStatus | undefined {
  const statuses = new KnownStatuses();
  return seen.reduce<NodeStatus | undefined>(
    (was, one) => (one.kind === 'status' ? statuses.take(one) : was),
    undefined,
  );
}

describe('The ring of the trace', () => {
  it('keeps to its bytes under a flood of stanzas of 250 KB, watched or not', () => {
    const { trace, says, watch } = log(4 * mib);
    for (let n = 0; n < 200; n++) {
      says(`${n}${'x'.repeat(250_000)}`);
      expect(trace.bytes).toBeLessThanOrEqual(4 * mib);
    }
    const { seen, lengths } = watch();
    expect(trace.bytes).toBeLessThanOrEqual(4 * mib);
    expect(bodies(seen).at(-1)).toMatch(/^199x/);
    expect(Math.max(...lengths)).toBeLessThan(nodeLimits.bytes);
  });

  it('keeps of a stanza that is more than its share the beginning, and says how much it was', () => {
    const { says, watch } = log(4 * mib);
    says('x'.repeat(250_000));
    const [hop] = watch().seen as HopRecord[];
    expect(hop?.stanza.bytes).toBeGreaterThan(250_000);
    expect(hop?.stanza.xml).toMatch(/<body>x{1000}<cut xmlns="urn:x-netsplit:trace:0"\/><\/body><\/message>$/);
  });

  it('counts what copies share once', () => {
    const { trace, says, watch } = log(4 * mib);
    says('y'.repeat(10_000), 1000);
    expect(trace.bytes).toBeLessThan(mib);
    expect(bodies(watch().seen)).toHaveLength(1000);
  });

  it('counts the text of a record once it is made, and nothing is left of what it has lost', () => {
    const { host, trace, says, watch } = log(4 * mib);
    watch();
    for (let n = 0; n < 50; n++) says('y'.repeat(10_000), 100);
    host.advance(100);
    expect(trace.bytes).toBeLessThanOrEqual(4 * mib);
    const { seen } = watch();
    for (let n = 0; n < 6000; n++) says('z');
    expect(seen.length).toBeLessThanOrEqual((4 * mib) / 10_000);
    host.advance(100);
    expect(trace.bytes).toBeLessThan(6000 * 1000);
  });

  it('a watcher who comes later is told of the state before the ring as it was then, and of the rest from the ring', () => {
    const { trace, says, watch } = log(200_000);
    trace.add(session(1, true));
    trace.add(session(2, true));
    for (const one of reports(undefined, service([room(1), room(2, 40)]))) trace.report(one);
    trace.add(session(2, false));
    for (const one of reports(service([room(1), room(2, 40)]), service([room(2, 41), room(3)]))) trace.report(one);
    for (let n = 0; n < 1000; n++) says('x'.repeat(500));
    for (const one of reports(service([room(2, 41), room(3)]), service([room(2, 39), room(3)]))) trace.report(one);
    trace.add(session(1, false));
    const { seen } = watch();
    const sessions = seen.filter((one): one is SessionRecord => one.kind === 'session');
    expect(sessions.map(({ stream, up }) => [stream, up])).toEqual([
      ['s1', true],
      ['s1', false],
    ]);
    expect(known(seen)).toEqual(service([room(2, 39), room(3)]));
    expect(seen.at(-1)).toMatchObject({ kind: 'session', up: false });
  });

  it('a watcher who reads too slowly misses hops, and nothing of the state', () => {
    const { host, trace, says, watch } = log(200_000);
    let isReady = true;
    const { seen } = watch(() => isReady);
    for (const one of reports(undefined, service([room(1)]))) trace.report(one);
    host.advance(100);
    isReady = false;
    for (const one of reports(service([room(1)]), service([room(1), room(2)]))) trace.report(one);
    trace.add(session(1, true));
    for (let n = 0; n < 1000; n++) says('x'.repeat(500));
    host.advance(100);
    isReady = true;
    host.advance(100);
    expect(known(seen)).toEqual(service([room(1), room(2)]));
    expect(seen.filter(({ kind }) => kind === 'session')).toHaveLength(1);
    expect(bodies(seen).length).toBeLessThan(1000);
  });

  it('a step with more than its share is kept cut', () => {
    const { trace, watch } = log(4 * mib);
    const tx = Array.from({ length: 20_000 }, (_, n) => ({ n, spec: '0045#7.4' as const }));
    trace.report({ kind: 'step', t: instant(1), node: 'rooms.lit', stream: 's', rx: 1, tx, notes: [], appended: 1 });
    expect(trace.bytes).toBeLessThan(100_000);
    expect(watch().seen).toMatchObject([{ kind: 'step', rx: 1, cut: true }]);
  });

  it.each([
    ['20,000 rooms', service(Array.from({ length: 20_000 }, (_, n) => room(n)))],
    ['a room with 5,000 occupants', service([room(1, 5000)])],
  ])('tells of %s in messages that a server takes', (_, status) => {
    const { trace, says, watch } = log(mib);
    for (const one of reports(undefined, status)) trace.report(one);
    for (let n = 0; n < 6000; n++) says('x');
    const { seen, lengths } = watch();
    expect(known(seen)).toEqual(status);
    expect(Math.max(...lengths)).toBeLessThan(nodeLimits.bytes / 4);
  });
});
