import { describe, expect, it } from 'vitest';
import type { HopRecord, LinkRecord, StatusRecord } from '../../../src/core/node/trace.ts';
import { instant } from '../../../src/core/xmpp/time.ts';
import { builtIn } from '../../../src/scenario/built-in.ts';
import { withoutRealServers, withRealServers } from '../../../src/scenario/real-servers.ts';
import { type Forms, linkCommands } from '../../../src/ui/commands.ts';
import { scenarioText } from '../../../src/ui/export/scenario.ts';
import { describeLink } from '../../../src/ui/fold/links.ts';
import { Model } from '../../../src/ui/fold/model.ts';
import { layOut } from '../../../src/ui/layout.ts';
import type { Store } from '../../../src/ui/store.ts';
import { Fields } from '../../../src/ui/trace/fields.ts';
import { readScenario } from '../../../src/ui/trace/read-scenario.ts';
import { lineInWords } from '../../../src/ui/words.ts';

const wonderland = builtIn.find(({ id }) => id === 'wonderland') as (typeof builtIn)[number];
const real = '127.0.0.1';
const rooms = 'rooms.wonderland.lit';
const room = `rabbithole@${rooms}`;
const iago = 'iago@venice.lit/desk';
const scenario = withRealServers(wonderland, [{ domain: real, components: [rooms] }]);
const ends = [real, 'wonderland.lit'] as const;

const link: LinkRecord = {
  kind: 'link',
  seq: 1,
  t: instant(1),
  server: ends,
  state: 'up',
  ...{ latencyMs: 0, jitterMs: 0, bytesPerSecond: 0, stanzas: 0, bytes: 0, dropped: 0 },
};
const away: LinkRecord = { ...link, seq: 2, state: 'bounce', away: `${rooms}: the connection was refused` };
const inside: StatusRecord = {
  kind: 'status',
  t: instant(2),
  node: rooms,
  status: {
    address: rooms,
    server: 'wonderland.lit',
    rooms: [
      {
        ...{ room, role: 'fmuc', epoch: 0, historyLength: 0, subject: '', peers: [] },
        occupants: [{ nick: 'Iago', jid: iago, role: 'participant', affiliation: 'none' }],
      },
    ],
  },
};
const hop: HopRecord = {
  kind: 'hop',
  seq: 3,
  t: instant(3),
  leg: 'link',
  from: real,
  to: 'wonderland.lit',
  server: ends,
  stanza: {
    ...{ name: 'message', type: 'groupchat', id: 'm', from: iago, to: room, bytes: 90 },
    xml: `<message from="${iago}" to="${room}" type="groupchat" id="m"><body>I am not what I am</body></message>`,
  },
};

describe('A real server in the picture', () => {
  it('is linked with the servers of its components, and says that only the edge is seen', () => {
    const model = new Model(scenario);
    expect([...model.network.links.keys()]).toEqual(['denmark.lit~wonderland.lit', `${real}~wonderland.lit`]);
    expect(model.network.linkBetween(...ends)?.latencyMs).toBe(0);
    for (const [width, height] of [
      [1440, 700],
      [390, 600],
    ] as const) {
      const { edges, servers } = layOut(model, width, height);
      expect([...edges.keys()]).toEqual([real]);
      const [edge, hull] = [edges.get(real), servers.get(real)];
      if (edge === undefined || hull === undefined) throw new Error('not drawn');
      expect(edge.y - edge.h / 2).toBeGreaterThan(hull.y - hull.h / 2);
      expect(edge.y + edge.h / 2).toBeLessThan(hull.hub.y);
    }
    expect(layOut(new Model(wonderland), 1440, 700).edges.size).toBe(0);
  });

  it('has the users who come from there, and not those of the page', () => {
    const model = new Model(scenario);
    model.fold([link, inside]);
    const where = Object.fromEntries(model.people.all().map(({ nick, server }) => [nick, server]));
    expect(where).toMatchObject({ Iago: real, Alice: 'wonderland.lit', Hamlet: 'denmark.lit' });
  });

  it('what they say is told as theirs', () => {
    const model = new Model(scenario);
    model.fold([link, inside, hop]);
    const line = model.lines.list.at(-1);
    expect(line && lineInWords(model, line).what).toBe(`${iago} says “I am not what I am”`);
  });

  it('while it is away, its link says why and cannot be healed; then it is as it was', () => {
    const model = new Model(scenario);
    model.fold([link, away]);
    const view = model.network.linkBetween(...ends);
    if (view === undefined) throw new Error('no link');
    expect(describeLink(view)).toBe(`away: ${rooms}: the connection was refused`);
    expect(model.network.away()).toEqual([{ server: real, why: `${rooms}: the connection was refused` }]);
    const heal = () => linkCommands({} as Store, view, {} as Forms).find(({ id }) => id === 'heal')?.not;
    expect(heal()).toBe('the real server is away');
    model.fold([{ ...link, seq: 4 }]);
    expect([model.network.away(), describeLink(view), heal()]).toEqual([[], 'up, 0 ms', 'the link is up']);
    expect(model.events.list.filter(({ kind }) => kind === 'link').map(({ text }) => text)).toEqual([
      `away: ${rooms}: the connection was refused`,
      'up, 0 ms',
    ]);
  });

  it('is in a trace, and in no file of a scenario', () => {
    expect(readScenario(new Fields(JSON.parse(JSON.stringify(scenario)), 1)).servers).toEqual(scenario.servers);
    expect(JSON.parse(scenarioText(scenario)).servers).toEqual(wonderland.servers);
    expect(withoutRealServers(scenario)).toEqual(wonderland);
  });
});
