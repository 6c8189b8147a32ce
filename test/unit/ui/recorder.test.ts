import { describe, expect, it } from 'vitest';
import type { TraceRecord } from '../../../src/core/node/trace.ts';
import { builtInScenario } from '../../../src/scenario/built-in.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { Model } from '../../../src/ui/fold/model.ts';
import { OwnIds } from '../../../src/ui/fold/own-ids.ts';
import { Recorder } from '../../../src/ui/session/recorder.ts';
import { RewoundSession } from '../../../src/ui/session/rewound.ts';
import type { News } from '../../../src/ui/trace/records.ts';
import { liveNews, tell } from '../../support/recorded.ts';

const wallops = builtInScenario('wallops') as Scenario;

/** What a page is told, and what it recorded of that. */
function recorded(news: readonly News[], most?: number) {
  const recorder = new Recorder(wallops, most);
  const model = new Model(wallops, true, new OwnIds(), false);
  for (const one of news)
    recorder.take(
      one,
      tell(model, one).map(({ id }) => id),
    );
  return { recorder, model };
}

function again(recorder: Recorder, at?: number) {
  const session = new RewoundSession(recorder);
  const model = new Model(wallops, true, new OwnIds(session.firstOwn), false);
  let shown = model;
  session.listen({
    records: (batch) => void shown.fold(batch),
    restart: () => {
      shown = new Model(wallops, true, new OwnIds(session.firstOwn), false);
    },
    moved: () => undefined,
    node: (progress) => shown.network.progress(progress),
    occupant: (progress) => shown.people.progress(progress),
    sent: () => undefined,
    trouble: () => undefined,
  });
  session.seek(at ?? session.length);
  return { session, model: () => shown };
}

/** What the picture shows, and what has been counted. */
const stateOf = ({ network, people, paused }: Model) =>
  structuredClone({ nodes: network.nodes, links: network.links, people: people.all(), paused });

describe('A live session that is recorded', () => {
  const news = liveNews(40);

  it('folds again to what the page shows, with the same ids: the server’s, and those that the page gave itself', () => {
    const { recorder, model } = recorded(news);
    const { session, model: shown } = again(recorder);
    expect(shown().events.list).toEqual(model.events.list);
    expect(shown().transcripts.lines).toEqual(model.transcripts.lines);
    expect(shown().costs.messages).toEqual(model.costs.messages);
    expect(stateOf(shown())).toEqual(stateOf(model));
    for (const { id } of model.events.list) expect(session.placeOf(id)).toBeGreaterThan(0);
    expect(recorder.kept).toMatchObject({ dropped: 0, since: Date.UTC(2026, 10, 30, 12) + 1 });
  });

  it('is kept in bounds: the oldest goes, and the rest still folds to the same network, people and events', () => {
    const most = 60_000;
    const { recorder, model } = recorded(news, most);
    const { kept } = recorder;
    expect(kept.dropped).toBeGreaterThan(100);
    expect(kept.length).toBeLessThanOrEqual(most);
    const { session, model: shown } = again(recorder);
    expect(stateOf(shown())).toEqual(stateOf(model));
    const ids = shown().events.list.map(({ id }) => id);
    expect(ids).toContain(model.events.list.at(-1)?.id);
    // All that came after the cut is there, the same as before.
    const since = session.start;
    const later = (of: Model) =>
      of.events.list
        .filter(({ t, kind }) => t >= since && kind !== 'session')
        .map(({ id, text, t }) => ({ id, text, t }));
    expect(later(shown())).toEqual(later(model));
    // The beginning is what it was then: it has people and nodes, not an empty picture.
    const { model: first } = again(recorder, 0);
    expect(first().network.nodes.get('channel.avalon.irc')).toMatchObject({
      connected: true,
      told: true,
      phase: 'ready',
    });
    expect(first().costs.messages).toEqual([]);
  });

  it('grows while it is shown, and what is shown stays', () => {
    const { recorder, model } = recorded(news);
    const { session, model: shown } = again(recorder, 30);
    const before = stateOf(shown());
    const { length } = session;
    const more = { ...(news.find(({ kind }) => kind === 'pause') as TraceRecord), seq: 99_999, paused: false } as never;
    recorder.take(
      more,
      tell(model, more).map(({ id }) => id),
    );
    expect(session.length).toBe(length + 1);
    expect(session.at).toBe(30);
    expect(stateOf(shown())).toEqual(before);
    session.seek(session.length);
    expect(session.seq).toBe(99_999);
  });

  it('where the oldest goes while it is shown, the same event stays shown, or the beginning of what is left', () => {
    const most = 100_000;
    const { recorder, model } = recorded(news.slice(0, 200), most);
    const { session, model: shown } = again(recorder);
    const last = session.seq as number;
    session.seek(3);
    const early = again(recorder, 3);
    session.seek(session.length);
    for (const one of news.slice(200, 700))
      recorder.take(
        one,
        tell(model, one).map(({ id }) => id),
      );
    expect(recorder.kept.dropped).toBeGreaterThan(0);
    expect(session.seq === last || session.at === 0).toBe(true);
    expect(early.session.at).toBe(0);
    expect(early.model().network.nodes.get('channel.avalon.irc')?.connected).toBe(true);
    expect(shown().events.list.length).toBeGreaterThan(0);
  });

  it('at every moment says why a node sent what it has sent, though the node told it only later', () => {
    const { recorder } = recorded(news);
    const { session, model: shown } = again(recorder, 0);
    let looked = 0;
    for (let at = 1; at <= 60; at++) {
      session.seek(at);
      const event = shown().events.get(session.seq as number);
      if (event?.leg !== 'in' || !event.from.startsWith('replica@')) continue;
      expect(event.spec).toMatch(/^0282#4\.[89]$/);
      expect(event.cause).toBeDefined();
      looked++;
    }
    expect(looked).toBeGreaterThan(5);
  });

  it('cannot be changed, and says why', async () => {
    const { recorder } = recorded(news.slice(0, 20));
    const { session } = again(recorder);
    expect(await session.act()).toMatchObject({ ok: false, error: expect.stringContaining('no branch can begin') });
  });
});
