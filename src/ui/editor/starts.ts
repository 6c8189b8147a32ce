/** What one begins with. */
import { builtIn } from '../../scenario/built-in.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import { untaken } from './addresses.ts';

/** One server, one plain room, two people who enter it. */
export const empty: Scenario = {
  format: 'netsplit-scenario',
  version: 1,
  id: 'mine',
  title: 'My scenario',
  description: '',
  xep: '0045',
  servers: [{ domain: 'server.example', at: [0.5, 0.5] }],
  nodes: [
    {
      kind: 'service',
      address: 'rooms.server.example',
      server: 'server.example',
      rooms: [
        { jid: 'room@rooms.server.example', affiliations: [{ jid: 'alice@server.example', affiliation: 'owner' }] },
      ],
    },
  ],
  occupants: [
    { jid: 'alice@server.example/client', nick: 'Alice', room: 'room@rooms.server.example' },
    { jid: 'bob@server.example/client', nick: 'Bob', room: 'room@rooms.server.example' },
  ],
  script: [
    { act: 'join', who: 'alice@server.example/client' },
    { act: 'join', who: 'bob@server.example/client' },
  ],
};

/** The ids of scenarios that come with Netsplit: one of one's own has another. */
export const builtInIds: ReadonlySet<string> = new Set(builtIn.map(({ id }) => id));

/** With an id that is not taken, so that the two are told apart in addresses. What is only for editors of files is left out. */
export function copyOf(scenario: Scenario, ids: ReadonlySet<string>): Scenario {
  const { $schema: _, ...same } = scenario as Scenario & { readonly $schema?: string };
  const isTaken = (id: string) => builtInIds.has(id) || ids.has(id);
  if (!isTaken(same.id)) return same;
  const id = untaken(isTaken, (suffix) => `my-${same.id}`.slice(0, 36) + suffix);
  return { ...same, id, title: `${same.title} (copy)`.slice(0, 100) };
}
