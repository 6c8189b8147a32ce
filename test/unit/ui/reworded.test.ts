import { describe, expect, it } from 'vitest';
import { Model } from '../../../src/ui/fold/model.ts';
import { RecordedSession } from '../../../src/ui/session/recorded.ts';
import { markOf, stateOf } from '../../../src/ui/words.ts';
import { readAll, simulated } from '../../support/traces.ts';

const other = 'ipsum';
/** Of a presence and of an error: what people read. */
const prose = /<(status|text)( xmlns="[^"]*")?( xml:lang="[^"]*")?>[^<]+<\/\1>/g;

/** The same line, with other words wherever somebody says something in prose. */
function reworded(line: Record<string, unknown>): Record<string, unknown> {
  const { kind, notes, stanza } = line as { kind: string; notes?: object[]; stanza?: { xml: string } };
  return {
    ...line,
    ...(kind === 'act' || kind === 'fault' || kind === 'state' ? { what: other } : {}),
    ...(line['input'] === undefined ? {} : { input: other }),
    ...(notes ? { notes: notes.map((note) => ({ ...note, what: other })) } : {}),
    ...(stanza ? { stanza: { ...stanza, xml: stanza.xml.replace(prose, `<$1$2$3>${other}</$1>`) } } : {}),
  };
}

/** All that the views show, but for the words that somebody else chose. */
function folded(text: string) {
  const session = new RecordedSession(readAll(text));
  const model = new Model(session.scenario, true);
  session.listen({
    records: (batch) => model.fold(batch),
    restart: () => undefined,
    moved: () => undefined,
    node: (progress) => model.network.progress(progress),
    occupant: () => undefined,
    sent: () => undefined,
    trouble: () => undefined,
  });
  session.seek(session.length);
  const { events, network, people, costs, transcripts, splits } = model;
  const wordless = (one: object): object => ({ ...one, text: undefined, stanza: undefined, notes: undefined });
  const pairs = [...network.nodes.values()].flatMap((node) =>
    network.roomsOf(node).flatMap(({ peers }) => peers.map(({ peer }) => [node.address, peer] as const)),
  );
  return {
    events: events.list.map((event) => ({
      ...wordless(event),
      index: events.indexOf(event.id),
      rule: events.ruleOf(event),
    })),
    nodes: [...network.nodes.values()].map((node) => [node.status, stateOf(model, node)]),
    links: [...network.links.values()],
    people: people.all().map((who) => [who, markOf(who)?.id]),
    messages: costs.messages,
    transcripts: [...transcripts.lines].map(([who, lines]) => ({
      who,
      // What a message says and what the page itself says of a mark is nobody else's prose.
      lines: lines.map((line) => (line.kind === 'error' ? { ...line, text: '' } : line)),
    })),
    splits: pairs.map(([node, peer]) => Object.entries(splits.signsOf(node, peer)).map(([is, { id }]) => [is, id])),
    sentences: model.sentences.map(wordless),
  };
}

describe('Nothing is decided by English prose', () => {
  const text = simulated(42, '0282', 60);
  const [header, ...lines] = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const written = [header, ...lines.map(reworded)].map((line) => `${JSON.stringify(line)}\n`).join('');

  it('a run in other words is folded into the same model', () => {
    expect(folded(written)).toEqual(folded(text));
  });

  it('and that run has all of which there was prose: splits, a netjoin, marks, refusals', () => {
    const { events, transcripts } = folded(text);
    const signs = new Set(events.flatMap((event) => ('sign' in event ? [event.sign] : [])));
    expect([...signs]).toEqual(expect.arrayContaining(['bounce', 'netjoin']));
    const kinds = new Set(transcripts.flatMap((one) => one.lines.map(({ kind }) => kind)));
    expect([...kinds]).toEqual(expect.arrayContaining(['mark', 'error']));
  });
});
