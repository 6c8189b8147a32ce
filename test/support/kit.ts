import type { Part } from '../../src/conformance/check.ts';
import { Player } from '../../src/conformance/player.ts';
import { runPart } from '../../src/conformance/run.ts';
import type { Result, Setting } from '../../src/conformance/setting.ts';
import { Stage } from '../../src/conformance/stage.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
import type { Stanza } from '../../src/core/xmpp/stanza.ts';
import type { World } from './world.ts';

/** What is wrong with a peer: what becomes of a stanza that it sends, and what it sends because of one of ours. */
export interface Deviation {
  /** @returns what arrives in its place */
  readonly sends?: (stanza: Stanza) => readonly Stanza[];
  /** @returns what the peer sends beside what it does anyway */
  readonly hears?: (stanza: Stanza) => readonly Stanza[];
  /** Whether a stanza of ours arrives. */
  readonly takes?: (stanza: Stanza) => boolean;
}

export const kitDomain = jid('kit.lit');
export const kitUsers = jid('users.lit');

export function settingOf(
  given: Pick<Setting, 'protocol' | 'role' | 'peer' | 'extension'> & Partial<Setting>,
): Setting {
  return {
    domain: kitDomain,
    node: 'conformance',
    users: kitUsers,
    mode: 'primary-primary',
    timeoutMs: 10_000,
    quietMs: 1_500,
    patienceMs: 120_000,
    run: 'r',
    ...given,
  };
}

/** Plays the kit in a world: the node under test is there, the kit is what is reached at its two domains. Time is the world's. */
export function tryOut(
  world: World,
  part: Part,
  setting: Setting,
  { deviation = {}, only = () => true }: { deviation?: Deviation; only?: (id: string) => boolean } = {},
): readonly Result[] {
  const stage = new Stage(setting, part.features);
  const results: Result[] = [];
  const script = runPart(part, stage, ({ id }) => only(id), {
    now: () => world.now,
    result: (result) => results.push(result),
  });
  const player = new Player(script, stage);
  const out: Stanza[] = [];
  const { sends = (stanza: Stanza) => [stanza], hears = () => [], takes = () => true } = deviation;
  const arrive = (stanza: Stanza) => {
    for (const one of sends(stanza)) out.push(...player.hear(one, world.now));
  };
  for (const domain of new Set([setting.domain, setting.users]))
    world.host({
      domain,
      server: domain,
      receive(stanza) {
        arrive(stanza);
        return [];
      },
    });
  out.push(...player.start(world.now));
  while (!player.result) {
    const [next] = out.splice(0, 1);
    if (next) {
      if (takes(next)) world.send(next);
      for (const stanza of hears(next)) out.push(...player.hear(stanza, world.now));
    } else if (player.wakeAt !== undefined && player.wakeAt <= world.now) out.push(...player.tick(world.now));
    else world.advance(100);
  }
  return results;
}

/** Those that did not pass, in words. */
export function wrong(results: readonly Result[]): readonly string[] {
  return results.flatMap(({ id, verdict }) =>
    verdict.kind === 'failed' ? [`${id}: expected ${verdict.expected}; came ${JSON.stringify(verdict.came)}`] : [],
  );
}
