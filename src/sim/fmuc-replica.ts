import { bareOf } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { type Stanza, withParts } from '../core/xmpp/stanza.ts';
import { childOf, el } from '../core/xmpp/xml.ts';
import { fmuc, tree } from './fmuc.ts';
import { fmucReplicaCheckers } from './fmuc-replica-checkers.ts';
import { hostileFmuc } from './hostile-fmuc.ts';
import type { Plan } from './plan.ts';
import type { Prng } from './prng.ts';
import type { Protocol } from './protocol.ts';

/** Words of one user at once: more than may wait for an echo (decision #152). */
const burst = 60;

/**
 * XEP-0289 primary-replica: the same trees, with more nodes. Some are chains, where everything has to go all the way up and
 * back again.
 */
export const fmucReplica: Protocol = {
  ...fmuc,
  serversMax: 6,
  layout(domains, base, prng) {
    const isChain = prng.chance(0.3);
    const joins = domains.slice(1).map((_, i) => (isChain ? i : prng.below(i + 1)));
    return tree(domains, base, joins, 'primary-replica');
  },
  tamper: (stanza, prng, at) =>
    stanza.type === 'groupchat' && prng.chance(0.2) ? [stanza, echoOf(stanza)] : hostileFmuc(stanza, prng, at),
  /** In half of the runs somebody says a lot at once. */
  more(plan: Plan, prng: Prng): Plan {
    if (prng.chance(0.5)) return plan;
    const end = plan.steps.reduce((last, { at }) => Math.max(last, at), 0);
    const { jid: user } = prng.pick(plan.people);
    const step = { kind: 'burst', user, words: burst, at: prng.below(end + 1), luck: prng.bits() } as const;
    return { ...plan, steps: [...plan.steps, step] };
  },
  checkers: fmucReplicaCheckers,
};

/** F12: a third node says what it sent as if it were the primary's echo of that. */
function echoOf(stanza: Stanza): Stanza {
  const payloads = stanza.payloads.map((payload) => {
    const place = payload.xmlns === NS.fmuc ? childOf(payload, 's', NS.ext) : undefined;
    const id = childOf(payload, 'change', NS.ext)?.attrs['id'];
    if (place === undefined || id === undefined) return payload;
    const next = el('s', NS.ext, { ...place.attrs, n: String(Number(place.attrs['n']) + 1) });
    return { ...payload, children: [el('change', NS.ext, { id, by: bareOf(stanza.to) }), next] };
  });
  return withParts(stanza, { payloads });
}
