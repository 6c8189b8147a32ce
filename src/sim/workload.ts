import type { Jid } from '../core/xmpp/jid.ts';
import type { Prng } from './prng.ts';
import type { World } from './world.ts';

/** How often each fault comes, per act; a run has a random part of them (swarm testing). */
export interface Faults {
  readonly cut: number;
  readonly silent: number;
  readonly loss: number;
  readonly crash: number;
  readonly freeze: number;
  readonly vanish: number;
}

export function faultsOf(prng: Prng): Faults {
  const some = (most: number) => (prng.chance(0.5) ? most * prng.unit() : 0);
  return {
    cut: some(0.05),
    silent: some(0.05),
    loss: 0,
    crash: some(0.04),
    freeze: some(0.03),
    vanish: some(0.05),
  };
}

export const noFaults: Faults = { cut: 0, silent: 0, loss: 0, crash: 0, freeze: 0, vanish: 0 };

/**
 * What people and fate do: `acts` acts, one after another with pauses, each a user's or, at the given rates, a fault. A
 * link that is cut heals again, and a node that crashed starts again, after a while.
 */
export function work(world: World, prng: Prng, acts: number, faults: Faults): void {
  const users = [...world.users.keys()];
  const nodes = [...world.seats.keys()];
  const links = [...world.links.values()];
  const said = new Map<Jid, number>();
  let t = 500;
  for (let i = 0; i < acts; i++) {
    t += prng.chance(0.3) ? prng.below(4000) : prng.below(300);
    const user = prng.pick(users);
    const fate = prng.unit();
    const draw = prng.fork();
    world.at(t, () => {
      let left = fate;
      const falls = (rate: number) => {
        left -= rate;
        return left < 0;
      };
      const link = links.length > 0 ? draw.pick(links) : undefined;
      if (falls(faults.cut + faults.silent + faults.loss)) {
        if (!link) return;
        const [a, b] = link.servers;
        const kind = draw.unit() * (faults.cut + faults.silent + faults.loss);
        if (kind < faults.cut) world.setLink(a, b, 'bounce');
        else if (kind < faults.cut + faults.silent) world.setLink(a, b, 'silent');
        else world.setLink(a, b, 'up', 0.3 * draw.unit());
        world.at(draw.below(120_000), () => world.setLink(a, b, 'up'));
      } else if (falls(faults.crash)) {
        const node = draw.pick(nodes);
        world.crash(node);
        world.at(draw.below(20_000), () => world.start(node));
      } else if (falls(faults.freeze)) world.freeze(draw.pick(nodes), draw.below(200_000));
      else if (falls(faults.vanish)) world.vanish(user);
      else act(world, draw, user, said);
    });
  }
}

function act(world: World, prng: Prng, jid: Jid, said: Map<Jid, number>): void {
  const user = world.users.get(jid);
  if (!user?.online) return world.connect(jid);
  const { phase } = user.half.state();
  if (phase === 'online' || phase === 'joining') return world.act(jid, { act: 'join' });
  const dice = prng.unit();
  if (dice < 0.6) {
    const n = (said.get(jid) ?? 0) + 1;
    said.set(jid, n);
    world.act(jid, { act: 'say', text: bodyText([...world.users.keys()].indexOf(jid), n) });
  } else if (dice < 0.7) world.act(jid, { act: 'presence', show: prng.pick(['', 'away', 'dnd']) });
  else if (dice < 0.78) world.act(jid, { act: 'nick', nick: `nick${prng.below(14)}` });
  else if (dice < 0.88) world.act(jid, { act: 'leave' });
  else if (dice < 0.93) world.act(jid, { act: 'subject', text: `subject ${prng.below(1000)}` });
  else world.act(jid, { act: 'pm', to: `nick${prng.below(14)}`, text: `private ${prng.below(1000)}` });
}

/** A body that names its author (by number: no canary) and is said once: what the checkers know it by. */
export function bodyText(user: number, n: number): string {
  return `#${user}:${n}`;
}
export function readBody(text: string | undefined): { readonly user: number; readonly n: number } | undefined {
  const match = /^#(\d+):(\d+)$/.exec(text ?? '');
  return match ? { user: Number(match[1]), n: Number(match[2]) } : undefined;
}

/** Everything is mended: links up, nodes running. People stay as they are. */
export function heal(world: World): void {
  for (const {
    servers: [a, b],
  } of world.links.values())
    world.setLink(a, b, 'up');
  for (const node of world.seats.keys()) world.start(node);
}
