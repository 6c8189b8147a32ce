import { describe, expect, it } from 'vitest';
import { errorOf, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { builtIn } from '../../src/scenario/built-in.ts';
import type { Scenario, ScenarioOccupant } from '../../src/scenario/scenario.ts';
import { joins, says, World } from '../support/world.ts';

/** Everybody is in, and all that has to meet has met. */
function gathered(scenario: Scenario): World {
  const world = new World(scenario);
  world.advance(60_000);
  for (const { jid, room, nick } of scenario.occupants) world.send(joins(jid, `${room}/${nick}`));
  world.advance(30_000);
  world.clear();
  return world;
}

const isAbout = ({ id, type, payloads }: Stanza, text: string) =>
  type === 'error'
    ? id === `say-${text}`
    : payloads.some(({ name, children: [said] }) => name === 'body' && said === text);

/** What an author is told of what they said: it comes back, or an error does. */
function toldTo(world: World, { jid, nick }: ScenarioOccupant): readonly string[] {
  const about = world.got(jid).filter((stanza) => isAbout(stanza, nick));
  return about.map((stanza) => (stanza.type === 'error' ? `${errorOf(stanza)?.condition}` : 'said'));
}

/** No replica or room is on the user's server: only their client can know that nothing has come back. */
const isAlone = ({ nodes }: Scenario, { jid }: ScenarioOccupant) =>
  nodes.every(({ server }) => server !== jid.slice(jid.indexOf('@') + 1).split('/')[0]);

describe.each(builtIn.filter(({ servers }) => servers.length > 1))(
  'After a cut in $id, at once on each side',
  (scenario) => {
    const domains = scenario.servers.map(({ domain }) => domain);
    const links = domains.flatMap((a, i) => domains.slice(i + 1).map((b) => [a, b] as const));
    const cases = links.flatMap(([a, b]) => (['bounce', 'silent'] as const).map((how) => [a, b, how] as const));

    it.each(cases)('%s – %s, %s: every author is told what became of it', (a, b, how) => {
      const world = gathered(scenario);
      world.cut(a, b, how);
      for (const { jid, room, nick } of scenario.occupants) world.send(says(jid, room, nick));
      world.advance(60_000);
      for (const who of scenario.occupants) {
        if (how === 'silent' && isAlone(scenario, who)) continue;
        const told = toldTo(world, who);
        expect(told.length, `${who.nick} is told nothing`).toBeGreaterThan(0);
        expect(['said', 'remote-server-timeout'], who.nick).toContain(told[0]);
        // Never both.
        expect(new Set(told).size, `${who.nick}: ${told}`).toBe(1);
      }
      const said = scenario.occupants.filter((who) => toldTo(world, who)[0] === 'said');
      world.cut(a, b, undefined);
      world.advance(180_000);
      // Healed, what was said has reached everybody, once.
      for (const { nick } of said)
        for (const reader of scenario.occupants) {
          if (isAlone(scenario, reader)) continue;
          const copies = world.got(reader.jid).filter((stanza) => stanza.type !== 'error' && isAbout(stanza, nick));
          expect(copies.length, `${reader.nick} reads what ${nick} said`).toBe(1);
        }
    });
  },
);
