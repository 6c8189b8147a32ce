import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { statusChanges } from '../../../src/core/node/status-changes.ts';
import type { NodeStatus, StatusRecord, StepRecord } from '../../../src/core/node/trace.ts';
import { type Jid, jid } from '../../../src/core/xmpp/jid.ts';
import { excess, nodeLimits } from '../../../src/core/xmpp/size.ts';
import type { Stanza } from '../../../src/core/xmpp/stanza.ts';
import { instant } from '../../../src/core/xmpp/time.ts';
import { isXmlText, textOf } from '../../../src/core/xmpp/xml.ts';
import { Reporter } from '../../../src/worker/reporter.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function reporting() {
  const sent: Stanza[] = [];
  const link = {
    address: jid('talk.lit') as Jid | undefined,
    server: jid('lit'),
    backlog: 0,
    send: (stanza: Stanza) => void sent.push(stanza),
  };
  const records = () =>
    sent.splice(0).map(({ payloads: [report] }) => JSON.parse(report ? textOf(report) : '') as StepRecord[]);
  return { link, sent, records, reporter: new Reporter(link) };
}

const step = (t: number, what = ''): StepRecord => ({
  kind: 'step',
  t: instant(t),
  node: 'talk.lit',
  stream: 's',
  rx: t,
  tx: [],
  notes: what === '' ? [] : [{ spec: '0045#7.4', what }],
  appended: 0,
});

describe('Reporter: what a node did, for the trace', () => {
  it('sends what gathered in 100 ms as one message', () => {
    const { reporter, records, sent } = reporting();
    reporter.add([step(1)]);
    reporter.add([step(2), step(3)]);
    expect(sent).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(sent[0]).toMatchObject({ from: 'talk.lit', to: 'lit', type: 'headline' });
    expect(records()).toEqual([[step(1), step(2), step(3)]]);
  });

  it('waits while the link is down or has traffic of its own waiting, and keeps only the latest', () => {
    const { reporter, records, link } = reporting();
    link.address = undefined;
    for (let t = 1; t <= 1_500; t++) reporter.add([step(t)]);
    vi.advanceTimersByTime(1_000);
    link.address = jid('talk.lit');
    link.backlog = 3;
    vi.advanceTimersByTime(1_000);
    expect(records()).toEqual([]);
    link.backlog = 0;
    vi.advanceTimersByTime(100);
    const times = records()
      .flat()
      .map(({ t }) => t);
    expect([times.length, times[0], times.at(-1)]).toEqual([1_000, 501, 1_500]);
  });

  it('splits what is too long for one stanza', () => {
    const { reporter, records } = reporting();
    reporter.add([step(1, 'x'.repeat(50_000)), step(2, 'y'.repeat(50_000)), step(3)]);
    vi.advanceTimersByTime(100);
    expect(records().map((batch) => batch.length)).toEqual([2, 1]);
  });

  it('sends no record that is more than a server takes, nor several that are together', () => {
    const { reporter, records, sent } = reporting();
    reporter.add([step(1, 'x'.repeat(50_000)), step(2, '&'.repeat(100_000)), step(3, '&'.repeat(120_000)), step(4)]);
    vi.advanceTimersByTime(100);
    expect(sent.map((stanza) => excess(stanza, nodeLimits))).toEqual(sent.map(() => undefined));
    expect(records().map((batch) => batch.map(({ t }) => t))).toEqual([[1], [2], [4]]);
  });

  it('escapes what JSON allows and XML does not', () => {
    const { reporter, records, sent } = reporting();
    reporter.add([step(1, 'a\ufffeb\uffffc\u0000d\ud800')]);
    vi.advanceTimersByTime(100);
    expect(sent[0]?.payloads.every((payload) => isXmlText(textOf(payload)))).toBe(true);
    expect(records()[0]).toEqual([step(1, 'a\ufffeb\uffffc\u0000d\ud800')]);
  });

  const status = (...rooms: string[]): NodeStatus => ({
    address: 'talk.lit',
    server: 'lit',
    rooms: rooms.map((room) => ({
      ...{ room: jid(`${room}@talk.lit`), role: 'plain', epoch: 1, historyLength: 0, subject: '' },
      ...{ occupants: [], peers: [] },
    })),
  });

  it('tells all of what the node is, where differences had to be dropped', () => {
    const { reporter, link, records } = reporting();
    link.address = undefined;
    const said = (before: NodeStatus | undefined, now: NodeStatus) =>
      reporter.add(
        statusChanges(before, now).map((change) => ({ kind: 'status', t: instant(1), node: 'talk.lit', ...change })),
      );
    said(undefined, status('a'));
    for (let t = 1; t <= 1_500; t++) reporter.add([step(t)]);
    said(status('a'), status('a', 'b'));
    link.address = jid('talk.lit');
    vi.advanceTimersByTime(100);
    const seen = records().flat() as (StepRecord | StatusRecord)[];
    expect(seen.flatMap((record) => (record.kind === 'status' ? [record.status] : []))).toEqual([status('a', 'b')]);
    said(status('a', 'b'), status('b'));
    vi.advanceTimersByTime(100);
    expect(records()).toMatchObject([[{ changes: true, goneRooms: ['a@talk.lit'] }]]);
  });

  it('of a step that sends more than a server takes reports the first stanzas', () => {
    const { reporter, records } = reporting();
    const tx = Array.from({ length: 20_000 }, (_, n) => ({ n, spec: '0045#7.4' as const }));
    reporter.add([{ ...step(1, 'here'), tx }]);
    vi.advanceTimersByTime(100);
    expect(records()).toEqual([[{ ...step(1, 'here'), tx: tx.slice(0, 1000), cut: true }]]);
  });
});
