import { writeFileSync } from 'node:fs';
import { type Component, startComponent } from './component.ts';
import type { Prosody } from './prosody.ts';
import { secret, startTwo, type TwoProsodys } from './two-prosodys.ts';
import type { Wan } from './wan.ts';

/** Two Prosodys with a network in between, a primary on one, a replica for the users of the other. */
export interface Pair extends Pick<TwoProsodys, 'directory' | 'cut' | 'heal' | 'stop'> {
  readonly england: Prosody;
  readonly scotland: Prosody;
  /** What goes to England, and what goes to Scotland. */
  readonly toEngland: Wan;
  readonly toScotland: Wan;
  /** Their logs are in `primary` and `replica` of the directory. */
  readonly primary: Component;
  readonly replica: Component;
}

/**
 * Users are `name@england.lit` and `name@scotland.lit`, names of prosody.ts; the password is "pw". Beside the
 * room there is one that is the same but for the replica: `plain-ROOM`.
 */
export async function startPair(room: string, owner: string): Promise<Pair> {
  const address = `${room}@rooms.england.lit`;
  const self = 'replica@scotland.lit';
  const two = await startTwo(
    { domain: 'england.lit', components: ['rooms.england.lit'], alsoAt: ['rooms.england.lit'] },
    { domain: 'scotland.lit', components: [address, self], trusted: [address, self] },
  );
  const { first: england, second: scotland, toFirst: toEngland, toSecond: toScotland, directory } = two;
  try {
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
    two.endWith(() => primary.end('SIGTERM'));
    const replica = await startComponent(
      scotland.componentPort,
      secret,
      ...['--domain', self, '--replica-of', address, '--keepalive', '10/1', '--store', `${directory}/replica`],
    );
    two.endWith(() => replica.end('SIGTERM'));
    const { cut, heal, stop } = two;
    return { england, scotland, toEngland, toScotland, primary, replica, directory, cut, heal, stop };
  } catch (error) {
    await two.stop();
    throw error;
  }
}
