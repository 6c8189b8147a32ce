import { designs } from './model.ts';
import { authorsIn, type Network, occupantsOf } from './network.ts';
import type { DesignId } from './scenario.ts';
import { sum, type Traffic } from './traffic.ts';

/** What links cost that lose a stanza with the probability p, as expected values. */
export interface LossCost {
  /** Of the copies of messages, the part that nobody ever gets. */
  readonly neverDelivered: number;
  /** What is asked for again and sent again. Undefined: a resync loses more than it repairs, so the links are never up to date. */
  readonly repeated: Traffic | undefined;
}

/**
 * A plain room repeats nothing (XEP-0045): somebody elsewhere hears an author elsewhere with (1 − p)², and if one of the two is on the
 * room's server with 1 − p.
 *
 * Between nodes stanzas are numbered (decisions #1, #60, #202), so the next one, or a ping, shows a gap. Then the link is made up to
 * date by its resync of R stanzas, in which one message was missed. Each of those is lost with p, too, and then there is another
 * resync: of S stanzas, p S are lost, and p S R (1 + p R + (p R)² + …) = p S R / (1 − p R) are sent again. From p R = 1 on that
 * has no end.
 */
export function lossOf(network: Network, id: DesignId): LossCost {
  const p = network.link.loss;
  if (id === 'plain') return { neverDelivered: p === 0 ? 0 : lostIn(network), repeated: { stanzas: 0, bytes: 0 } };
  const all = occupantsOf(network);
  const here = network.occupants.at(-1) ?? 0;
  const design = designs[id];
  const resync = design.resync({ ...network, occupants: [Math.max(1, all - here), here], missed: 1 });
  const sent = sum(design.joins(network), design.messages(network), design.churn(network));
  const again = p * resync.stanzas;
  const resyncs = again < 1 ? (p * sent.stanzas) / (1 - again) : undefined;
  return {
    neverDelivered: 0,
    repeated: resyncs === undefined ? undefined : { stanzas: resyncs * resync.stanzas, bytes: resyncs * resync.bytes },
  };
}

function lostIn(network: Network): number {
  const all = occupantsOf(network);
  const near = (network.occupants[0] ?? 0) / all;
  const authors = (authorsIn(network)[0] ?? 0) / Math.max(1, network.messages);
  const arrives = 1 - network.link.loss;
  return 1 - (authors + (1 - authors) * arrives) * (near + (1 - near) * arrives);
}
