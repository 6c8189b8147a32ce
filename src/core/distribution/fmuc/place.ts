/** What a link between FMUC nodes adds to their stanzas, inside the XEP's own `<fmuc/>`. Decisions #10, #60. */
import { type LinkPlace, readLinkPlace, readTrail, type Trail, writeLinkPlace } from '../../xep/fmuc-sync.ts';
import { readOriginId, writeOriginId } from '../../xep/xep0359.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { payloadOf, type Stanza, withMore, withPayloads } from '../../xmpp/stanza.ts';
import { el, element } from '../../xmpp/xml.ts';
import type { Wording } from '../link.ts';
import type { Route } from './paths.ts';

export const wording: Wording = {
  keepalive: 'decision#3',
  placed,
  // A ping is not counted. It says how far this side has come, and acknowledges nothing.
  position: (_, place) => (place === undefined ? [] : [writeLinkPlace({ session: place.session, n: place.n })]),
};

/** The stanza with its place inside `<fmuc/>`. A subject of no author gets an `<fmuc/>` for it. */
export function placed(stanza: Stanza, place: LinkPlace | undefined, origin?: string): Stanza {
  if (place === undefined) return stanza;
  const more = [writeLinkPlace(place), ...writeOriginId(origin)];
  const fmuc = payloadOf(stanza, 'fmuc', NS.fmuc);
  if (fmuc === undefined) return withMore(stanza, el('fmuc', NS.fmuc, {}, ...more));
  const within = element('fmuc', NS.fmuc, fmuc.attrs, [...fmuc.children, ...more]);
  return withPayloads(
    stanza,
    stanza.payloads.map((payload) => (payload === fmuc ? within : payload)),
  );
}

/** The place that a stanza has on its link; undefined where the peer does not count. */
export function placeOf(stanza: Stanza): LinkPlace | undefined {
  return readLinkPlace(payloadOf(stanza, 'fmuc', NS.fmuc));
}

/** The nodes that a stanza of this peer has passed: where it began comes first, and the peer last. Decision #145. */
export function passedBy(stanza: Stanza, peer: Jid): readonly Jid[] {
  const trail = trailOf(stanza, peer);
  return trail === undefined || trail.by === peer ? [peer] : [trail.by, ...trail.via, peer];
}

/** The same, and whether it led from one room that a node joins to another. Decision #149. */
export function routeOf(stanza: Stanza, peer: Jid): Route {
  const across = trailOf(stanza, peer)?.across;
  return { passed: passedBy(stanza, peer), ...(across ? { across } : {}) };
}

export function trailOf(stanza: Stanza, peer: Jid): Trail | undefined {
  return readTrail(payloadOf(stanza, 'fmuc', NS.fmuc), peer);
}

/** The id that its author gave a message. If the peer counts, it is inside, because the stanza has an id of the peer's. */
export function originOf(stanza: Stanza): string | undefined {
  return placeOf(stanza) === undefined ? stanza.id : readOriginId(payloadOf(stanza, 'fmuc', NS.fmuc));
}
