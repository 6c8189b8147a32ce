import { describe, expect, it } from 'vitest';
import { builtIn, builtInScenario } from '../../../src/scenario/built-in.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import type { VariantId } from '../../../src/scenario/variant-nodes.ts';
import { variantsOf } from '../../../src/scenario/variants.ts';
import type { LabAct } from '../../../src/sim/lab.ts';
import { LabBranches, type LabNews, type LabRun } from '../../../src/sim/lab-branches.ts';
import { Comparison } from '../../../src/ui/comparison.ts';
import { linkKey } from '../../../src/ui/fold/links.ts';
import { Model } from '../../../src/ui/fold/model.ts';
import { ComparedRun } from '../../../src/ui/session/compared-run.ts';
import { Fields } from '../../../src/ui/trace/fields.ts';
import { readLine } from '../../../src/ui/trace/read-line.ts';

const quiet = { quiet: true, mostMs: 60_000 } as const;
const BigCheese = 'rubenro@vesa.yeggmaex.irc/shaver';
const [avalon, killrc] = ['avalon.irc', 'killrc.oulubox.irc'];
const all = builtIn.flatMap((scenario) => variantsOf(scenario).map((id) => [scenario.id, id] as const));

/** The Lab with a comparison, as the page has them. */
class Compared {
  readonly scenario: Scenario;
  readonly lab: LabBranches;
  readonly here: Model;
  run: ComparedRun | undefined;
  /** What the worker told of the comparison. */
  readonly told: string[] = [];
  start = 0;
  /** Of the run, so far. */
  lines = 0;
  #now = 0;

  constructor(id: string, variant: VariantId) {
    this.scenario = builtInScenario(id) as Scenario;
    this.lab = new LabBranches(this.scenario, 7);
    this.lab.compare(variant);
    this.here = new Model(this.scenario, true);
    this.take();
  }

  take(): LabNews {
    const news = this.lab.news();
    const domains = this.scenario.servers.map(({ domain }) => domain);
    for (const text of news.lines) {
      const of = JSON.parse(text);
      this.start ||= of.t;
      const record = readLine(new Fields(of, 1), domains);
      if (record && !('progress' in record)) this.here.fold([record]);
    }
    this.#now = news.now;
    this.lines += news.lines.length;
    if (news.comparison?.anew) this.told.length = 0;
    this.told.push(...(news.comparison?.lines ?? []));
    this.run = ComparedRun.after(this.run, news.comparison, this.scenario);
    return news;
  }

  go(how: LabRun = quiet): this {
    this.lab.run(how);
    this.take();
    return this;
  }

  act(act: LabAct): string | undefined {
    const why = this.lab.act(act);
    this.take();
    return why;
  }

  enter(): this {
    for (const { jid } of this.scenario.occupants) {
      this.act({ kind: 'person', who: jid as never, act: { act: 'join' } });
      this.go();
    }
    return this;
  }

  say(who: string, text = 'Phaedrus, we are having a rotten time.'): string | undefined {
    return this.act({ kind: 'person', who: who as never, act: { act: 'say', text } });
  }

  link(state: 'up' | 'silent' | 'bounce', between: readonly string[] = [avalon, killrc]): void {
    this.act({ kind: 'link', between: between as never, settings: { state } });
  }

  at(ms = this.#now - this.start): Comparison {
    if (this.run === undefined) throw new Error('there is no comparison');
    const comparison = new Comparison(this.run, this.start);
    comparison.seek(ms);
    return comparison;
  }

  /** Of each message: stanzas on links, lost ones, deliveries, ms until the last; here and there. */
  get messages() {
    const told = (cost: Model['costs']['messages'][number] | undefined) =>
      cost && [cost.crossed, cost.lost, cost.recipients.length, (cost.lastDelivery ?? Number.NaN) - cost.t];
    return this.at()
      .messages(this.here.costs.messages, true)
      .map(({ here, there, same }) => ({ here: told(here), there: told(there), same }));
  }
}

describe('Compared: the same acts in another protocol, on the same clock', () => {
  it.each(all)('%s and %s: what everybody says reaches the same people', (id, to) => {
    const compared = new Compared(id, to).enter();
    for (const { jid } of compared.scenario.occupants) {
      expect(compared.say(jid)).toBeUndefined();
      compared.go();
    }
    const { length } = compared.scenario.occupants;
    expect(compared.messages).toEqual(
      Array(length).fill({
        here: [expect.any(Number), 0, length, expect.any(Number)],
        there: [expect.any(Number), 0, length, expect.any(Number)],
        same: true,
      }),
    );
    expect([compared.at().leftOut, compared.run?.isQuiet]).toEqual([0, true]);
  });

  it.each([
    // One to the primary and one to each of three replicas; in, and 3 + 2 + 2 out (XEP-0282 §3).
    ['wallops', 'plain', BigCheese, [4, 0, 7, 42], [8, 0, 7, 41]],
    // To each other instance (XEP-0281 §3.6), with one hop.
    ['wallops', '0281', BigCheese, [4, 0, 7, 42], [3, 0, 7, 22]],
    // To the joined node, which passes it on to the other two (XEP-0289 §5.2).
    ['wallops', '0289', BigCheese, [4, 0, 7, 42], [3, 0, 7, 43]],
    // Two other instances; in and one back, one on; in, and a copy to each replica; to the joined node and on.
    ['coven', 'plain', 'somewitch@macbeth.lit/mobile', [2, 0, 4, 102], [3, 0, 4, 201]],
    ['coven', '0282', 'somewitch@macbeth.lit/mobile', [2, 0, 4, 102], [3, 0, 4, 202]],
    ['coven', '0289', 'somewitch@macbeth.lit/mobile', [2, 0, 4, 102], [2, 0, 4, 203]],
  ] as const)('%s and %s: one message of %s', (id, to, who, here, there) => {
    const compared = new Compared(id, to);
    compared.say(who);
    compared.go();
    expect(compared.messages).toEqual([{ here, there, same: true }]);
  });

  it('wonderland and a plain room: what Hamlet says takes the thin link once, or twice to come back to him', () => {
    const hamlet = 'hamlet@denmark.lit/priam-ubuntu-vm';
    const compared = new Compared('wonderland', 'plain');
    compared.act({ kind: 'person', who: hamlet as never, act: { act: 'join' } });
    compared.go().say(hamlet, 'Hi Alice');
    compared.go();
    // Once over the link, or in and back to its author.
    expect(compared.messages).toEqual([
      { here: [1, 0, 2, expect.any(Number)], there: [2, 0, 2, expect.any(Number)], same: true },
    ]);
    const [{ here, there } = {}] = compared.messages;
    expect(here?.[3]).toBeLessThan(2_000);
    expect(there?.[3]).toBeGreaterThan(2_000);
  });

  it('the same links are cut: a copy is lost here, three there', () => {
    const compared = new Compared('wallops', 'plain');
    compared.link('silent');
    compared.say(BigCheese, 'one');
    compared.go({ ms: 1_000 }).link('up');
    expect(compared.messages).toEqual([{ here: [3, 1, 4, 42], there: [5, 3, 4, 41], same: true }]);
    const link = compared
      .at()
      .links(compared.here)
      .find(({ here }) => here.key === linkKey(avalon, killrc));
    expect([link?.here.dropped, link?.there.dropped, link?.there.state]).toEqual([1, 3, 'up']);
  });

  it('acts happen at the same time after everybody was in, whatever is under way there', () => {
    const compared = new Compared('wonderland', '0281');
    const [alice] = compared.scenario.occupants;
    for (const ms of [17, 900, 2_500]) {
      compared.say(alice?.jid ?? '', `after ${ms} ms`);
      compared.go({ ms });
    }
    const { aheadMs } = compared.run as ComparedRun;
    const there = compared.at().model.costs.messages.map(({ t }) => t - aheadMs);
    expect(there).toEqual(compared.here.costs.messages.map(({ t }) => t));
    expect(aheadMs).toBeGreaterThan(1_000);
  });

  it('what does not exist there is left out, and counted from when it was done', () => {
    const compared = new Compared('wallops', 'plain').go({ ms: 1_000 });
    const before = compared.at().leftOut;
    const replica = 'replica@killrc.oulubox.irc' as never;
    expect(compared.act({ kind: 'crash', node: replica })).toBeUndefined();
    expect(
      compared.act({ kind: 'configure', room: 'wallops@channel.avalon.irc' as never, split: { policy: 'local' } }),
    ).toBeUndefined();
    compared.act({ kind: 'crash', node: 'channel.avalon.irc' as never });
    expect([before, compared.at().leftOut, compared.at(500).leftOut]).toEqual([0, 2, 0]);
  });

  it('is the same each time, and changes nothing in the run that it is compared with', () => {
    const traces = (['plain', 'plain', '0281'] as const).map((to) => {
      const compared = new Compared('wallops', to);
      compared.link('silent');
      compared.say(BigCheese, 'one');
      compared.go({ ms: 90_000 });
      return { here: JSON.stringify(compared.here.events.list), there: compared.told.join('') };
    });
    expect(traces[1]).toEqual(traces[0]);
    expect(traces[2]?.here).toBe(traces[0]?.here);
    expect(traces[2]?.there).not.toBe(traces[0]?.there);
  });

  it('follows the branch that is shown', () => {
    const compared = new Compared('wallops', 'plain');
    compared.say(BigCheese, 'one');
    compared.go();
    const { lines } = compared;
    compared.say(BigCheese, 'two');
    compared.go();
    const first = compared.told.join('');
    compared.lab.branch(lines);
    compared.take();
    compared.say(BigCheese, 'another');
    compared.go();
    const said = () =>
      compared
        .at()
        .model.costs.messages.map(({ body }) => body)
        .join();
    expect(said()).toBe('one,another');
    compared.lab.select(0);
    compared.take();
    expect(said()).toBe('one,two');
    expect(compared.told.join('')).toBe(first);
  });

  it('“to quiet” waits for both; a place in the past shows what there was by then', () => {
    const compared = new Compared('wonderland', 'plain').enter();
    const who = 'hamlet@denmark.lit/priam-ubuntu-vm';
    compared.say(who, 'one');
    compared.go();
    expect([compared.take().isQuiet, compared.run?.isQuiet]).toEqual([true, true]);
    const [{ here, there } = {}] = compared.messages;
    expect(there?.[3]).toBeGreaterThan(here?.[3] ?? Number.POSITIVE_INFINITY);
    const growth = compared.at().growth(compared.here);
    const last = growth.there.at(-1);
    expect(last).toEqual({
      ms: expect.any(Number),
      stanzas: compared.at().links(compared.here)[0]?.there.stanzas,
      bytes: compared.at().links(compared.here)[0]?.there.bytes,
    });
    const comparison = compared.at();
    const told = () => JSON.stringify(comparison.model.events.list);
    const end = told();
    comparison.seek((last?.ms ?? 0) - 1);
    expect(comparison.growth(compared.here).there.at(-1)?.stanzas).toBeLessThan(last?.stanzas ?? 0);
    comparison.seek(1e9);
    expect(told()).toBe(end);
  });

  it('a protocol in which the scenario cannot be is refused; no comparison is none', () => {
    const compared = new Compared('wallops', 'plain');
    expect(() => compared.lab.compare('0282')).toThrow('wallops cannot be in 0282');
    compared.lab.compare(undefined);
    expect([compared.take().comparison, compared.run]).toEqual([undefined, undefined]);
  });
});
