import { describe, expect, it } from 'vitest';
import { firstToBreak, loadOf, usualCapacity, usualRates } from '../../../src/cost/limits.ts';
import { lossOf } from '../../../src/cost/loss.ts';
import { bytesOf, memoryOf } from '../../../src/cost/memory.ts';
import { actsByServer, evenly, spread, usualNetwork, whyNotNetwork } from '../../../src/cost/network.ts';
import { designIds } from '../../../src/cost/scenario.ts';
import { treeOf } from '../../../src/cost/tree.ts';
import { readCostArguments } from '../../../src/headless/cost-arguments.ts';
import { measure } from '../../../src/headless/cost-measure.ts';

describe('what breaks first', () => {
  it('is more than the limit at that size, and nothing is one server before', () => {
    const breaks = firstToBreak(usualNetwork, 'plain', usualRates, usualCapacity);
    if (breaks === undefined) throw new Error('nothing breaks');
    expect(breaks.load).toBeGreaterThan(breaks.most);
    const before = { ...usualNetwork, occupants: evenly(100 * (breaks.servers - 1), breaks.servers - 1) };
    expect(loadOf(before, 'plain', usualRates)[breaks.resource]).toBeLessThanOrEqual(breaks.most);
  });

  it('is another resource where that one has less room', () => {
    const capacity = { ...usualCapacity, memoryBytes: 100_000 };
    expect(firstToBreak(usualNetwork, '0281', usualRates, capacity)?.resource).toBe('memory');
    const thin = { ...usualCapacity, uplinkBytesPerSecond: 10_000 };
    expect(firstToBreak(usualNetwork, '0282', usualRates, thin)?.resource).toBe('uplink');
  });

  it('is nothing with room enough', () => {
    const much = { linkBytesPerSecond: 1e15, uplinkBytesPerSecond: 1e15, stanzasPerSecond: 1e15, memoryBytes: 1e15 };
    for (const id of designIds) expect(firstToBreak(usualNetwork, id, usualRates, much)).toBeUndefined();
  });
});

describe('memory', () => {
  it.each(designIds)('%s: within 15 %% of the largest snapshot', (id) => {
    const network = { ...usualNetwork, occupants: evenly(60, 3), messages: 5, churn: 0, fanOut: 2 };
    const held = bytesOf(memoryOf(network, id)) / measure(network, id, 1, false).memoryBytes;
    expect(held).toBeGreaterThan(0.85);
    expect(held).toBeLessThan(1.15);
  });
});

describe('loss', () => {
  const lossy = { ...usualNetwork, link: { ...usualNetwork.link, loss: 0.001 } };
  it('is for ever in a plain room, and repeated between nodes', () => {
    expect(lossOf(lossy, 'plain').neverDelivered).toBeGreaterThan(0.001);
    expect(lossOf(lossy, '0282')).toMatchObject({ neverDelivered: 0 });
    expect(lossOf(lossy, '0282').repeated?.stanzas).toBeGreaterThan(0);
  });
  it('has no end where a resync loses a stanza of itself each time', () => {
    expect(lossOf(lossy, '0289-tree').repeated).toBeUndefined();
  });
});

describe('the network', () => {
  it('spreads acts over people, and counts them by server', () => {
    expect(spread(3, 6)).toEqual([0, 2, 4]);
    expect(actsByServer(3, [2, 1, 3])).toEqual([1, 1, 1]);
    expect(actsByServer(7, [5, 0, 3])).toEqual(
      [0, 1, 2].map((server) => {
        const of = (person: number) => (person < 5 ? 0 : 2);
        return spread(7, 8).filter((person) => of(person) === server).length;
      }),
    );
  });
  it('of a tree knows depths, distances and the farthest', () => {
    expect(treeOf(7, 2)).toMatchObject({
      depth: [0, 1, 1, 2, 2, 2, 2],
      distances: [10, 11, 11, 16, 16, 16, 16],
      farthest: [2, 3, 3, 4, 4, 4, 4],
    });
    expect(treeOf(4, 1)).toMatchObject({ distances: [6, 4, 4, 6], farthest: [3, 2, 2, 3], degree: [1, 2, 2, 1] });
  });
  it('says what is wrong with it', () => {
    expect(whyNotNetwork(usualNetwork)).toBeUndefined();
    expect(whyNotNetwork({ ...usualNetwork, occupants: [1, 1] })).toMatch(/^churn: /);
  });
});

describe('npm run cost', () => {
  it.each([
    [['--servers', '0'], /^--servers: "0" is no whole number from 1 to 10000$/],
    [['--loss', '2'], /^--loss: "2" is no number from 0 to 0.1$/],
    [['--design', 'star'], /^--design: "star" is not one of plain/],
    [['--occupants', '5', '--servers', '6'], /^--servers: 6 is more than there are people/],
    [['--simulate', '--occupants', '20000'], /^--simulate: --occupants may be 10000 at most/],
    [['--frobnicate'], /frobnicate/],
  ])('%j is refused with a line that names the flag', (args, message) => {
    expect(readCostArguments(args)).toEqual({ error: expect.stringMatching(message) });
  });
  it('takes what it says', () => {
    expect(
      readCostArguments(['--occupants', '30', '--servers', '4', '--loss', '.01', '--design', '0281,plain']),
    ).toMatchObject({
      network: { occupants: [8, 8, 7, 7], link: { loss: 0.01 } },
      designs: ['0281', 'plain'],
    });
  });
});
