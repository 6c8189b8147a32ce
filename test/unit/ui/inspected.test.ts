import { describe, expect, it } from 'vitest';
import { builtInScenario } from '../../../src/scenario/built-in.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { Model } from '../../../src/ui/fold/model.ts';
import { inspectedLink, inspectedNode, lately } from '../../../src/ui/inspected.ts';
import { bigCheeseSpeaks, wallopsStatus } from '../../support/fake-session.ts';

const cheese = 'rubenro@vesa.yeggmaex.irc/shaver';
const avalon = 'channel.avalon.irc';
const model = new Model(builtInScenario('wallops') as Scenario);
const { hops, steps } = bigCheeseSpeaks('a truly rotten time');
model.fold([wallopsStatus(), ...hops, ...steps]);
const hop = (holds: (hop: (typeof hops)[number]) => boolean) => hops.find(holds)?.seq as number;
const said = hop(({ leg, from }) => leg === 'in' && from === cheese);
const crossed = hop(({ leg }) => leg === 'link');
const none = { event: undefined, thing: undefined };

describe('What the inspector shows', () => {
  it('is the selected thing', () => {
    const link = { kind: 'link', id: 'a~b' } as const;
    const node = { kind: 'node', id: avalon } as const;
    expect(inspectedNode(model, { event: said, thing: node })).toBe(node);
    expect(inspectedLink(model, { event: crossed, thing: link })).toBe(link);
    expect(inspectedNode(model, none)).toBeUndefined();
    expect(inspectedLink(model, none)).toBeUndefined();
  });

  it('is else what the selected stanza is about: its author, its node, its link', () => {
    expect(inspectedNode(model, { ...none, event: said })).toEqual({ kind: 'occupant', id: cheese });
    expect(inspectedLink(model, { ...none, event: said })).toBeUndefined();
    const { server = [] } = hops.find(({ seq }) => seq === crossed) ?? {};
    expect(inspectedLink(model, { ...none, event: crossed })).toEqual({
      kind: 'link',
      id: [...server].sort().join('~'),
    });
    const toPrimary = hop(({ leg, to }) => leg === 'out' && to.startsWith(avalon));
    expect(inspectedNode(model, { ...none, event: toPrimary })).toEqual({ kind: 'node', id: avalon });
    expect(inspectedNode(model, { ...none, event: 9_999 })).toBeUndefined();
  });
});

describe('What a thing did lately', () => {
  const of = (thing: Parameters<typeof lately>[1], hidden: string[] = [], most = 100) =>
    lately(model, thing, new Set(hidden), most).map(({ id }) => id);

  it('is what a person or node sent and received, and what a link carried, the last first', () => {
    const own = hops.filter(({ leg, from, to }) => (leg === 'in' ? from : leg === 'out' ? to : '') === cheese);
    expect(of({ kind: 'occupant', id: cheese })).toEqual(own.map(({ seq }) => seq).reverse());
    expect(own.length).toBeGreaterThan(1);
    const carried = hops.filter(({ leg, server }) => leg === 'link' && server?.includes('vesa.yeggmaex.irc'));
    expect(of({ kind: 'link', id: 'avalon.irc~vesa.yeggmaex.irc' })).toEqual(carried.map(({ seq }) => seq).reverse());
    expect(of({ kind: 'server', id: 'vesa.yeggmaex.irc' })).toEqual(carried.map(({ seq }) => seq).reverse());
    expect(of({ kind: 'node', id: avalon }).length).toBeGreaterThan(1);
  });

  it('is no more than fits, and nothing that the log leaves out', () => {
    expect(of({ kind: 'node', id: avalon }, [], 1)).toHaveLength(1);
    expect(of({ kind: 'node', id: avalon }, ['message'])).toEqual([]);
  });
});
