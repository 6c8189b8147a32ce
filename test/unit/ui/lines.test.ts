import { describe, expect, it } from 'vitest';
import type { HopRecord, TraceRecord } from '../../../src/core/node/trace.ts';
import type { Instant } from '../../../src/core/xmpp/time.ts';
import { builtInScenario } from '../../../src/scenario/built-in.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import type { ModelEvent } from '../../../src/ui/fold/event.ts';
import { type Line, leadOf, outcomeOf } from '../../../src/ui/fold/lines.ts';
import { Model } from '../../../src/ui/fold/model.ts';
import { isMuted, logRows } from '../../../src/ui/log-rows.ts';
import { lineInWords, wayOf } from '../../../src/ui/words.ts';
import { bigCheeseSpeaks, wallopsStatus } from '../../support/fake-session.ts';

const wallops = builtInScenario('wallops') as Scenario;
const cheese = 'rubenro@vesa.yeggmaex.irc/shaver';
const all = { filter: '', hidden: new Set<string>(), event: undefined, opened: new Set<number>() };

function told(...batches: readonly (readonly TraceRecord[])[]): Model {
  const model = new Model(wallops);
  for (const batch of [[wallopsStatus()], ...batches]) model.fold(batch);
  return model;
}

const { hops, steps } = bigCheeseSpeaks('a truly rotten time');
const inTurns = () => {
  const rest: TraceRecord[] = [...steps];
  return [...hops.flatMap((hop) => [hop, ...rest.splice(0, 1)]), ...rest].map((record) => [record]);
};
const said = (line: Line | undefined, model: Model) => {
  const { what, outcome } = lineInWords(model, line as Line);
  return outcome ? `${what}: ${outcome}` : what;
};
const linesOf = (model: Model) => model.lines.list.map((line) => said(line, model));

/** What a client hands to its server. */
function sent(seq: number, t: number, from: string, xml: string, type?: string): HopRecord {
  const name = xml.slice(1, xml.search(/[ />]/)) as 'message' | 'presence' | 'iq';
  const stanza = { name, from, to: 'wallops@channel.avalon.irc', ...(type ? { type } : {}), xml, bytes: xml.length };
  return { kind: 'hop', seq, t: t as Instant, leg: 'in', from, to: 'vesa.yeggmaex.irc', stanza };
}

describe('Lines of the log', () => {
  for (const [order, batches] of [
    ['hops first', [hops, steps]],
    ['steps first', [steps, hops]],
    ['as it happens', inTurns()],
  ] as const) {
    it(`all that one submission led to is one line, in the order in which it happened: ${order}`, () => {
      const model = told(...batches);
      expect(linesOf(model)).toEqual(['BigCheese says “a truly rotten time”: 4 link stanzas, 7 deliveries']);
      const [line] = model.lines.list;
      expect(new Set(line?.events.map(({ id }) => id))).toEqual(model.events.family(hops[0]?.seq ?? 0));
      expect(line?.events.map(({ kind, id }) => (kind === 'hop' ? id : kind))).toEqual([
        'act',
        ...hops.map(({ seq }) => seq),
      ]);
      expect(leadOf(line as Line).id).toBe(hops[0]?.seq);
      expect(model.lines.of(hops.at(-1)?.seq ?? 0)).toBe(line);
    });
  }

  it('counts what the counters count: no more than the message, and what a cut link lost apart', () => {
    const cut = hops.find(({ leg, to }) => leg === 'link' && to === 'killrc.oulubox.irc') as HopRecord;
    const reached = hops.filter(({ to, from }) => !to.includes('killrc') && !from.includes('killrc'));
    const bounce = { ...cut.stanza, type: 'error', from: cut.stanza.to, to: 'channel.avalon.irc' };
    const back: HopRecord = {
      ...cut,
      seq: 900,
      leg: 'link',
      from: cut.to,
      to: cut.from,
      stanza: bounce,
      cause: cut.seq,
    };
    const model = told(reached, [{ ...cut, outcome: 'bounced' }, back], steps);
    expect(linesOf(model)).toEqual(['BigCheese says “a truly rotten time”: 3 link stanzas, 1 lost, 4 deliveries']);
    const { crossed, lost, recipients } = model.costs.messages[0] ?? {};
    expect(outcomeOf(model.lines.list[0] as Line, (address) => model.network.isNode(address))).toEqual({
      crossed,
      lost,
      deliveries: recipients?.length,
    });
  });

  it('a change of state is a line of its own though something led to it, and so is a link that is cut', () => {
    const last = hops.at(-1)?.t ?? 0;
    const model = told(hops, steps, [
      {
        kind: 'step',
        t: (last + 1) as Instant,
        node: 'channel.avalon.irc',
        stream: 'stream of channel.avalon.irc',
        rx: 1,
        tx: [],
        notes: [{ spec: '0282#4.11.1.1', what: 'split', peer: 'replica@vesa.yeggmaex.irc', sign: 'bounce' }],
        appended: 0,
      },
      {
        kind: 'link',
        seq: 950,
        t: (last + 2) as Instant,
        server: ['avalon.irc', 'killrc.oulubox.irc'],
        state: 'bounce',
        latencyMs: 20,
        jitterMs: 0,
        bytesPerSecond: 0,
        stanzas: 0,
        bytes: 0,
        dropped: 0,
      },
    ]);
    expect(linesOf(model).slice(1)).toEqual(['split', 'Link cut: stanzas bounce']);
    const [, state, link] = model.lines.list.map((line) => leadOf(line));
    expect(model.events.pathTo(state?.id ?? 0)).toContain(hops[0]?.seq);
    expect([state, link].map((event) => event && wayOf(model, event))).toEqual([
      'channel.avalon.irc and replica@vesa.yeggmaex.irc',
      'avalon.irc and killrc.oulubox.irc',
    ]);
  });

  it('what a client did that does not report is a line, too', () => {
    const model = told([sent(1, 1, 'dent@vesa.yeggmaex.irc/gajim', '<message><body>Hi</body></message>', 'groupchat')]);
    expect(linesOf(model)).toEqual(['dent@vesa.yeggmaex.irc/gajim says “Hi”: 0 link stanzas, 0 deliveries']);
  });

  it('what falls out of the window leaves its line, and what is left of that begins anew', () => {
    const ping = (seq: number) => sent(seq, seq, cheese, '<iq/>', 'get');
    const more = bigCheeseSpeaks('again', 1_000, 1_000);
    const model = told(
      Array.from({ length: 985 }, (_, i) => ping(i)),
      more.hops,
      more.steps,
      Array.from({ length: 20_001 - 985 - more.hops.length - 1 }, (_, i) => ping(2_000 + i)),
    );
    // The thousand that fall out at once end in the middle of what was said.
    const { list } = model.events;
    expect(list[0]).toMatchObject({ kind: 'hop', text: '“again”' });
    expect(model.events.rootOf(1_000 + more.hops.length - 1)).not.toBe(list[0]?.id);
    const ids = (events: readonly ModelEvent[]) => events.map(({ id }) => id).sort((x, y) => x - y);
    expect(ids(model.lines.list.flatMap(({ events }) => events))).toEqual(ids(list));
    for (const line of model.lines.list)
      for (const { id } of line.events) expect(model.events.rootOf(id)).toBe(line.events[0]?.id);
  });
});

describe('Rows of the log', () => {
  const two = () => {
    const more = bigCheeseSpeaks('again', 500, 5_000, 2);
    return told(hops, steps, more.hops, more.steps);
  };
  const first = hops[0]?.seq ?? 0;
  const size = hops.length;

  it('are one for each line, and below an open line one for each of its events', () => {
    const model = two();
    expect(logRows(model, all).map(({ event, level, isOpen }) => [event.id, level, isOpen])).toEqual([
      [first, 1, false],
      [500, 1, false],
    ]);
    const open = logRows(model, { ...all, opened: new Set([500]) });
    expect(open.map(({ level }) => level)).toEqual([1, 1, ...Array(size).fill(2)]);
    expect(new Set(open.map(({ event }) => event.id)).size).toBe(open.length);
  });

  it('show an event that is chosen, in a line that is open for it', () => {
    const model = two();
    const hop = first + 5;
    const rows = logRows(model, { ...all, event: hop, hidden: new Set(['message']) });
    expect(rows.filter(({ event }) => event.id === hop)).toHaveLength(1);
    expect(rows.filter(({ level }) => level === 1).map(({ isOpen }) => isOpen)).toEqual([true]);
    // To choose the line does not open it.
    expect(logRows(model, { ...all, event: first }).map(({ isOpen }) => isOpen)).toEqual([false, false]);
  });

  it('the filter finds lines, and what is in a line that it does not find', () => {
    const model = two();
    const found = (filter: string) => logRows(model, { ...all, filter });
    expect(found('ROTTEN 7 deliveries').map(({ level, isOpen }) => [level, isOpen])).toEqual([[1, false]]);
    const [line, ...inside] = found('rotten out WiZ');
    expect(line).toMatchObject({ level: 1, isOpen: true });
    expect(inside.map(({ event }) => [event.leg, event.to])).toEqual([['out', 'squit@eris.dclxvii.irc/jupiter']]);
    expect(found('nothing of the kind')).toEqual([]);
  });

  it('a line is left out if all its stanzas are of kinds that are', () => {
    const model = told(hops, steps, [sent(800, 8_000, cheese, '<iq/>', 'get')]);
    const kinds = (...hidden: string[]) =>
      logRows(model, { ...all, hidden: new Set(hidden) }).map(({ event }) => event.stanza?.name);
    expect(kinds()).toEqual(['message', 'iq']);
    expect(kinds('iq', 'append')).toEqual(['message']);
    expect(kinds('message', 'state')).toEqual(['iq']);
  });

  it('stand back as long as nodes come up and the characters enter; what is done then does not', () => {
    const presence = '<presence/>';
    const model = told([
      sent(1, 10, 'channel.avalon.irc', '<iq/>', 'get'),
      sent(2, 20, cheese, presence),
      sent(3, 30, 'msa@vesa.yeggmaex.irc/bicycle', presence),
      sent(4, 40, 'msa@vesa.yeggmaex.irc/bicycle', '<iq/>', 'result'),
    ]);
    const muted = () => logRows(model, all).map((row) => isMuted(model, row));
    expect(muted()).toEqual([true, true, true, true]);
    // A change of presence is no part of it.
    model.fold([sent(5, 50, cheese, presence), sent(6, 60, 'squit@eris.dclxvii.irc/jupiter', presence)]);
    expect(muted()).toEqual([true, true, true, true, false, false]);
  });
});
