import { placeOf } from '../core/distribution/fmuc/place.ts';
import { readFmuc } from '../core/xep/xep0289.ts';
import { domainOf, type Jid } from '../core/xmpp/jid.ts';
import { stanzaText } from '../core/xmpp/stanza.ts';
import type { Instant } from '../core/xmpp/time.ts';
import type { Checker } from './judge.ts';
import type { Violation } from './trace.ts';

/** By then a node has said what it makes of a stanza. */
const saidMs = 5_000;

/**
 * F-u: what a link brings twice is noticed, before anything else looks at it (decision #60): the node says so in a note, or that it
 * has no such link. What comes of it if it is not noticed mostly shows nowhere, because messages and changes have identities, too.
 */
export const repeatsAreNoticed: Checker = ({ world }) => {
  let exercised = 0;
  const taken = new Set<string>();
  const unnoticed = new Map<number, Violation & { readonly t: Instant }>();
  const hostile = world?.plan.hostileNode;
  const nodes = new Set((world?.plan.layout.nodes ?? []).map(({ address }) => address));
  const noticed = ({ cause }: { readonly cause?: number | undefined }) => {
    if (cause !== undefined) unnoticed.delete(cause);
  };
  const isOfLink = (from: Jid, to: Jid) => nodes.has(from) && nodes.has(to) && from !== hostile && to !== hostile;
  return {
    handed({ t, to, stanza }, i) {
      if (stanza.name === 'iq' || stanza.type === 'error' || !isOfLink(domainOf(stanza.from), to)) return;
      const place = placeOf(stanza);
      const fmuc = readFmuc(stanza.payloads)?.kind;
      // The first of a link is a join, or answers one, and the last ends it: both may come again.
      if (place === undefined || place.n < 2 || fmuc === 'left' || fmuc === 'reject') return;
      const key = `${to} ${place.session} ${place.n} ${stanza.id}`;
      if (taken.has(key)) {
        exercised++;
        unnoticed.set(i, { invariant: 'F-u', what: `${to} takes ${stanzaText(stanza)} again`, at: i, t });
      }
      taken.add(key);
    },
    sent: noticed,
    kept: (_, __, record) => noticed(record),
    other(record) {
      if (record.kind === 'note') return noticed(record);
      // What a node had not yet said is lost with it, if it crashes.
      if (record.kind === 'undone' || record.kind === 'untold' || record.kind === 'fault' || record.kind === 'phase')
        for (const [i, { t }] of unnoticed) if (record.t - t < saidMs) unnoticed.delete(i);
    },
    verdict: () => ({ violations: [...unnoticed.values()].map(({ t: _, ...violation }) => violation), exercised }),
  };
};
