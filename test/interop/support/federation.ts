import { writeFileSync } from 'node:fs';
import { type Component, startComponent } from './component.ts';
import type { Prosody } from './prosody.ts';
import { secret, startTwo, type TwoProsodys } from './two-prosodys.ts';
import type { Wan } from './wan.ts';

/** Two Prosodys with a room each, components of theirs: rabbithole, which joins elsinore (XEP-0289). */
export interface Federation extends Pick<TwoProsodys, 'cut' | 'heal' | 'stop'> {
  /** What goes to Wonderland, and what goes to Denmark. */
  readonly toWonderland: Wan;
  readonly toDenmark: Wan;
  readonly wonderland: Prosody;
  readonly denmark: Prosody;
  readonly rabbithole: Component;
  readonly elsinore: Component;
}

/**
 * Users are `name@wonderland.lit` and `name@denmark.lit`, names of prosody.ts; the password is "pw".
 *
 * @param owner  of both rooms
 */
export async function startFederation(
  owner: string,
  mode: 'primary-primary' | 'primary-replica' = 'primary-primary',
): Promise<Federation> {
  const two = await startTwo(
    { domain: 'wonderland.lit', components: ['rooms.wonderland.lit'], alsoAt: ['rooms.wonderland.lit'] },
    { domain: 'denmark.lit', components: ['talk.denmark.lit'], alsoAt: ['talk.denmark.lit'] },
  );
  const start = async (prosody: Prosody, name: string, domain: string, distribution: object) => {
    const file = `${two.directory}/${name}.json`;
    const affiliations = [{ jid: owner, affiliation: 'owner' }];
    const room = {
      jid: `${name}@${domain}`,
      logging: true,
      affiliations,
      distribution: { kind: 'fmuc', mode, ...distribution },
    };
    writeFileSync(file, JSON.stringify({ rooms: [room] }));
    const component = await startComponent(
      prosody.componentPort,
      secret,
      ...['--domain', domain, '--mode', 'fmuc', '--config', file, '--store', `${two.directory}/${name}`],
    );
    two.endWith(() => component.end('SIGTERM'));
    return component;
  };
  try {
    const { first: wonderland, second: denmark, toFirst: toWonderland, toSecond: toDenmark, cut, heal, stop } = two;
    const joining = 'rabbithole@rooms.wonderland.lit';
    const joined = 'elsinore@talk.denmark.lit';
    const elsinore = await start(denmark, 'elsinore', 'talk.denmark.lit', { allowedNodes: [joining] });
    const rabbithole = await start(wonderland, 'rabbithole', 'rooms.wonderland.lit', { outbound: joined });
    return { wonderland, denmark, toWonderland, toDenmark, rabbithole, elsinore, cut, heal, stop };
  } catch (error) {
    await two.stop();
    throw error;
  }
}
