import { beforeAll, describe, expect, it } from 'vitest';
import { builtIn } from '../../src/scenario/built-in.ts';
import type { Ground } from '../../src/sim/ground.ts';
import { groundOf } from '../../src/sim/scenario-ground.ts';
import { alike, embedded, type Stage, said, simulated } from './stages.ts';

/**
 * The Lab shows what a live session would: every scenario that comes with the product is played to the embedded server with nodes
 * behind the production driver, and to the simulator's world. What may differ is in stages.ts.
 */
async function play(stage: Stage, { people, domains }: Ground): Promise<void> {
  const step = async (what: () => void, ms = 1_500) => {
    what();
    await stage.pass(ms);
  };
  const say = (text: string) => async () => {
    for (const { jid: user, nick } of people)
      await step(() => stage.act(user, { act: 'say', text: `${text} ${nick}` }));
  };
  await stage.pass(10_000);
  for (const { jid: user } of people) {
    await step(() => stage.connect(user));
    await step(() => stage.act(user, { act: 'join' }));
  }
  await say('hello from')();
  const [first, ...others] = people;
  const last = others.at(-1);
  if (first === undefined || last === undefined) throw new Error('there are two people at least');
  await step(() => stage.act(last.jid, { act: 'nick', nick: 'somebody else' }));
  await step(() => stage.act(last.jid, { act: 'presence', show: 'away', status: 'tea' }));
  await step(() => stage.act(first.jid, { act: 'pm', to: 'somebody else', text: 'psst' }));
  await step(() => stage.act(first.jid, { act: 'subject', text: 'The third act' }));
  const [a, b] = domains;
  if (a !== undefined && b !== undefined) {
    await step(() => stage.cut(a, b, 'bounce'));
    await say('while it is cut, from')();
    await step(() => stage.cut(a, b, 'up'), 300_000);
    await say('healed, from')();
  }
  await step(() => stage.act(last.jid, { act: 'leave' }));
  await step(() => stage.vanish(others[0]?.jid ?? last.jid));
  await step(() => stage.act(first.jid, { act: 'say', text: 'last' }));
}

describe.each(builtIn.map((scenario) => [scenario.id, scenario] as const))(
  'Embedded server with driver, and the Lab’s world: %s',
  (_, scenario) => {
    const ground = groundOf(scenario);
    const receivers = [...ground.people.map(({ jid }) => jid), ...ground.layout.nodes.map(({ address }) => address)];
    let real: Stage;
    let made: Stage;

    beforeAll(async () => {
      real = await embedded(ground);
      made = simulated(ground);
      await play(real, ground);
      await play(made, ground);
    });

    it('hand something to the same users and nodes', () => {
      expect([...made.got.keys()].sort()).toEqual([...real.got.keys()].sort());
      expect(real.got.size).toBeGreaterThan(ground.people.length);
      expect([...real.got.values()].flat().join('')).toContain('hello from');
    });

    it.each(receivers)('hand %s the same', (to) => {
      // When nodes of equal rank greet each other again after a cut is a matter of luck, and with it who is seen to come and go.
      const isPlural = ['0281', '0289'].includes(scenario.xep);
      const [there, here] = [real.got.get(to) ?? [], made.got.get(to) ?? []].map(isPlural ? said : alike);
      expect(here).toEqual(there);
    });
  },
);
