import { type Network, othersOf } from '../../../src/cost/network.ts';
import { Prng } from '../../../src/sim/prng.ts';

/** A network that luck made: 2 to 12 servers, of which some have many occupants and some have one. */
export function randomNetwork(seed: number): Network {
  const prng = new Prng(seed);
  const servers = 2 + prng.below(11);
  const occupants = Array.from({ length: servers }, () => 1 + prng.below(prng.chance(0.3) ? 12 : 4));
  const network: Network = {
    occupants,
    link: {
      latencyMs: 5 + prng.below(200),
      bytesPerSecond: prng.chance(0.5) ? 0 : 5_000 + prng.below(100_000),
      loss: 0,
    },
    messages: 5 + prng.below(26),
    bodyBytes: 20 + prng.below(300),
    churn: 1 + prng.below(6),
    fanOut: 1 + prng.below(4),
    missed: prng.below(60),
  };
  return othersOf(network).some((here) => here > 0) ? network : { ...network, churn: 0 };
}
