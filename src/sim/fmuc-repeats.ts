import { placeOf } from '../core/distribution/fmuc/place.ts';
import { readFmuc } from '../core/xep/xep0289.ts';
import { domainOf, type Jid } from '../core/xmpp/jid.ts';
import { stanzaText } from '../core/xmpp/stanza.ts';
import type { Instant } from '../core/xmpp/time.ts';
import type { Checker } from './judge.ts';
import type { Violation } from './trace.ts';

/** How long after a node has come to something later it has said what it makes of a stanza, in milliseconds. */
const saidMs = 5_000;

/**
 * F-u: what a link brings twice is noticed, before anything else looks at it (decision #60): the node says so in a note, or that it
 * has no such link. What comes of it if it is not noticed mostly shows nowhere, because messages and changes have identities, too.
 */
export const repeatsAreNoticed: Checker = ({ world }) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const taken = new Set<string>();
  /** By the place in the trace: repetitions of which their node has said nothing so far. */
  const unnoticed = new Map<number, { readonly node: Jid; readonly what: string; passed?: Instant }>();
  const hostile = world?.plan.hostileNode;
  const nodes = new Set((world?.plan.layout.nodes ?? []).map(({ address }) => address));
  const isOfLink = (from: Jid, to: Jid) => nodes.has(from) && nodes.has(to) && from !== hostile && to !== hostile;
  /** A node does something, because of what it was handed. It takes one thing after the other. */
  const does = (node: Jid, t: Instant, cause: number | undefined) => {
    if (cause === undefined) return;
    unnoticed.delete(cause);
    for (const [at, one] of unnoticed) {
      if (one.node !== node || at > cause) continue;
      // It has come to something later. What it says may still wait for the disk.
      one.passed ??= t;
      if (t - one.passed < saidMs) continue;
      violations.push({ invariant: 'F-u', what: one.what, at });
      unnoticed.delete(at);
    }
  };
  const crashes = (node: Jid | undefined) => {
    for (const [at, one] of unnoticed) if (node === undefined || one.node === node) unnoticed.delete(at);
  };
  return {
    handed({ to, stanza }, i) {
      if (stanza.name === 'iq' || stanza.type === 'error' || !isOfLink(domainOf(stanza.from), to)) return;
      const place = placeOf(stanza);
      const fmuc = readFmuc(stanza.payloads)?.kind;
      // The first of a link is a join, or answers one, and the last ends it: both may come again.
      if (place === undefined || place.n < 2 || fmuc === 'left' || fmuc === 'reject') return;
      const key = `${to} ${place.session} ${place.n} ${stanza.id}`;
      if (taken.has(key)) {
        exercised++;
        unnoticed.set(i, { node: to, what: `${to} takes ${stanzaText(stanza)} again` });
      }
      taken.add(key);
    },
    sent: ({ by, t, cause }) => does(by, t, cause),
    kept: (_, { node }, { t, cause }) => does(node, t, cause),
    other(record) {
      if (record.kind === 'note') does(record.node, record.t, record.cause);
      // What a node has not looked at, or not yet said, is lost with it.
      else if (record.kind === 'undone' || record.kind === 'untold') crashes(record.node);
      else if (record.kind === 'phase') crashes(undefined);
      else if (record.kind === 'fault' && (record.fault.kind === 'crash' || record.fault.kind === 'disk'))
        crashes(record.fault.node);
    },
    verdict: () => ({ violations, exercised }),
  };
};
