import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type Component, startComponent } from './component.ts';
import { forPeople, names, type Prosody, startProsody } from './prosody.ts';
import { Wan } from './wan.ts';

const secret = 's3cr3t';

/** Two Prosodys with a network in between (real s2s, dialback), a primary on one, a replica for the users of the other. */
export interface Pair {
  readonly england: Prosody;
  readonly scotland: Prosody;
  /** What goes to England, and what goes to Scotland. */
  readonly toEngland: Wan;
  readonly toScotland: Wan;
  readonly primary: Component;
  readonly replica: Component;
  /** With the logs of both nodes: `primary` and `replica`. */
  readonly directory: string;
  cut(how: 'silent' | 'refused'): Promise<void>;
  heal(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Users are `name@england.lit` and `name@scotland.lit`, names of prosody.ts; the password is "pw". Beside the
 * room there is one that is the same but for the replica: `plain-ROOM`.
 */
export async function startPair(room: string, owner: string): Promise<Pair> {
  const ends: (() => unknown)[] = [];
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    const directory = mkdtempSync(`${tmpdir()}/netsplit-pair-`);
    ends.push(() => rmSync(directory, { recursive: true, force: true }));
    const toEngland = await Wan.open();
    ends.push(() => toEngland.close());
    const toScotland = await Wan.open();
    ends.push(() => toScotland.close());

    const users = Object.fromEntries(names.map((name) => [name, 'pw']));
    const england = await startProsody({
      hosts: { 'england.lit': users },
      components: { 'rooms.england.lit': secret },
      modules: forPeople,
      s2s: { 'scotland.lit': toScotland.address },
    });
    ends.push(england.stop);
    const address = `${room}@rooms.england.lit`;
    const self = 'replica@scotland.lit';
    const scotland = await startProsody({
      hosts: { 'scotland.lit': users },
      components: { [address]: secret, [self]: secret },
      trusted: [address, self],
      modules: forPeople,
      s2s: { 'england.lit': toEngland.address, 'rooms.england.lit': toEngland.address },
    });
    ends.push(scotland.stop);
    toEngland.leadsTo(england.s2sPort);
    toScotland.leadsTo(scotland.s2sPort);

    const common = {
      changeSubject: true,
      logging: true,
      affiliations: [{ jid: owner, affiliation: 'owner' }],
    };
    const distribution = { kind: 'primary', replicas: [{ jid: self, serves: ['scotland.lit'] }] };
    const rooms = [
      { jid: address, ...common, distribution },
      { jid: `plain-${address}`, ...common },
    ];
    writeFileSync(`${directory}/rooms.json`, JSON.stringify({ rooms }));
    const primary = await startComponent(
      england.componentPort,
      secret,
      ...['--domain', 'rooms.england.lit', '--mode', 'primary', '--config', `${directory}/rooms.json`],
      ...['--store', `${directory}/primary`],
    );
    ends.push(() => primary.end('SIGTERM'));
    const replica = await startComponent(
      scotland.componentPort,
      secret,
      ...['--domain', self, '--replica-of', address, '--keepalive', '10/1', '--store', `${directory}/replica`],
    );
    ends.push(() => replica.end('SIGTERM'));
    return {
      ...{ england, scotland, toEngland, toScotland, primary, replica, directory, stop },
      cut: async (how) => {
        await Promise.all([toEngland.cut(how), toScotland.cut(how)]);
      },
      heal: async () => {
        await Promise.all([toEngland.heal(), toScotland.heal()]);
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
