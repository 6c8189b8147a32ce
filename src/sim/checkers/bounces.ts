import { bareOf, type Jid } from '../../core/xmpp/jid.ts';
import { sentAt } from '../causes.ts';
import type { Checker } from '../judge.ts';
import type { Violation } from '../trace.ts';
import { nodesOf } from './nodes.ts';

/** What the primary has sent a replica since they are in touch, or since something happened to either. */
interface Touch {
  live: boolean;
  since: number;
  sent: number;
  bounced: number | undefined;
}

/**
 * Whatever of the primary's own bounces as undeliverable, the primary notices: it sends that replica no more until they
 * begin anew (XEP-0282 §4.11.1.1, decision #10).
 */
export const bouncesAreNoticed: Checker = (given) => {
  const { trace } = given;
  const violations: Violation[] = [];
  let exercised = 0;
  const { primary, replicas, room } = nodesOf(given);
  const touches = new Map<Jid, Touch>(
    replicas.map(({ address }) => [address, { live: false, since: 0, sent: 0, bounced: undefined }]),
  );
  const begin = (touch: Touch, i: number) => Object.assign(touch, { since: i, sent: 0, bounced: undefined });
  return {
    handed({ to, stanza, cause }, i) {
      const touch = to === primary?.address ? touches.get(bareOf(stanza.from)) : undefined;
      if (!touch?.live || stanza.type !== 'error' || stanza.name === 'iq' || bareOf(stanza.to) !== room) return;
      const way = trace[cause ?? -1];
      if (cause === undefined || way?.kind !== 'link' || way.outcome !== 'bounced') return;
      // Of what went out since the two are in touch, and not long ago: a bounce of anything else is not believed.
      if (sentAt(trace, cause) <= touch.since || touch.sent > 200) return;
      exercised++;
      touch.bounced = i;
    },
    sent({ by, stanza, cause }, i) {
      const touch = by === primary?.address ? touches.get(bareOf(stanza.to)) : undefined;
      if (touch === undefined || stanza.name === 'iq' || stanza.type === 'error') return;
      touch.sent++;
      const led = cause === undefined ? undefined : trace[cause];
      const input = led?.kind === 'append' ? led.cause : cause;
      if (touch.bounced === undefined || input === undefined || input <= touch.bounced) return;
      const what = `${by} sends ${bareOf(stanza.to)} more, of which something bounced`;
      violations.push({ invariant: 'D-10', what, at: i });
      touch.bounced = undefined;
    },
    kept(event, { node }, _, i) {
      const touch = node === primary?.address && event.kind === 'peerChanged' ? touches.get(event.peer) : undefined;
      if (touch === undefined || event.kind !== 'peerChanged') return;
      touch.live = event.record?.state === 'live' || event.record?.state === 'syncing';
      begin(touch, i);
    },
    other(record, i) {
      if (record.kind === 'forgotten' && record.node === primary?.address)
        for (const touch of touches.values()) touch.live = false;
      if (record.kind === 'fault' || record.kind === 'phase') for (const touch of touches.values()) begin(touch, i);
    },
    verdict: () => ({ violations, exercised }),
  };
};
