import type { ModelEvent } from '../../src/ui/fold/event.ts';
import type { Model } from '../../src/ui/fold/model.ts';
import type { News } from '../../src/ui/trace/records.ts';
import { bigCheeseSpeaks, wallopsStatus } from './fake-session.ts';

const start = Date.UTC(2026, 10, 30, 12);

/** Tells a model what a page is told. @returns the events that are new */
export function tell(model: Model, news: News): readonly ModelEvent[] {
  if (news.kind === 'node') model.network.progress(news.progress);
  else if (news.kind === 'occupant') model.people.progress(news.progress);
  else return model.fold([news]);
  return [];
}

/** What the page of a live session is told: sessions, links, nodes and people that change, while BigCheese says so many things. */
export function liveNews(messages: number): readonly News[] {
  const news: News[] = [];
  let seq = 0;
  const add = (record: object) => {
    seq++;
    news.push({ ...record, seq, t: start + seq } as never);
  };
  const session = { kind: 'session', up: true, server: 'avalon.irc', role: 'service', address: 'channel.avalon.irc' };
  const replica = {
    kind: 'session',
    server: 'killrc.oulubox.irc',
    role: 'replica',
    address: 'replica@killrc.oulubox.irc',
  };
  const node = (phase: string) => ({
    kind: 'node',
    progress: { node: 'channel.avalon.irc', phase, detail: 'history' },
  });
  news.push(node('waiting') as never);
  add({ ...session, stream: 's1' });
  add({ ...replica, up: true, stream: 's2' });
  news.push(node('ready') as never, wallopsStatus(start + seq));
  for (let i = 0; i < messages; i++) {
    const { hops, steps } = bigCheeseSpeaks(`number ${i}`, seq + 1, start + seq, i + 1);
    // The clocks of server and nodes differ.
    news.push(...hops, ...steps.map((step) => ({ ...step, t: (step.t - 3) as typeof step.t })));
    seq += hops.length;
    if (i % 7 === 3) {
      const state = i % 2 === 0 ? 'up' : 'bounce';
      const settings = { latencyMs: 20, jitterMs: 0, bytesPerSecond: 0 };
      add({
        kind: 'link',
        server: ['avalon.irc', 'killrc.oulubox.irc'],
        state,
        ...settings,
        stanzas: i,
        bytes: 9,
        dropped: 1,
      });
      const notes = [{ spec: '0282#4.11', what: `split ${i}`, peer: replica.address, sign: 'bounce' }];
      const step = {
        kind: 'step',
        node: 'channel.avalon.irc',
        stream: 's1',
        input: 'timer',
        tx: [],
        notes,
        appended: 0,
      };
      news.push({ ...step, t: start + seq } as never);
    }
    if (i === 20) add({ ...replica, up: false, stream: 's2' });
    if (i === 21) add({ kind: 'pause', paused: true });
    const progress = { who: 'rubenro@vesa.yeggmaex.irc/shaver', phase: 'joined', nick: `n${i}`, room: 'r', detail: '' };
    news.push({ kind: 'occupant', progress } as never);
  }
  return news;
}
