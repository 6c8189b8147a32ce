import { domainOf } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';
import { el, type XmlElement } from '../core/xmpp/xml.ts';
import type { Prng } from './prng.ts';
import type { Seating } from './protocol.ts';
import type { Person } from './trace.ts';

/** Something that no rule asks for, about somebody. */
export type Lie = (prng: Prng, at: Seating, whom: Person) => Stanza;

/** The same element with other numbers, addresses, names and times. */
export function twist(element: XmlElement, prng: Prng, at: Seating): XmlElement {
  const other = (key: string, value: string): string => {
    if (!prng.chance(0.5)) return value;
    if (/^\d+$/.test(value)) return number(prng);
    if (key === 'jid') return prng.pick(at.people).jid;
    if (key === 'domain') return domainOf(prng.pick(at.people).jid);
    if (key === 'stamp') return new Date(prng.pick(times)).toISOString();
    if (key === 'session' || key === 'id') return prng.id();
    return value;
  };
  const attrs = Object.fromEntries(Object.entries(element.attrs).map(([key, value]) => [key, other(key, value)]));
  const children = element.children.map((child) => (typeof child === 'string' ? child : twist(child, prng, at)));
  return { ...element, attrs, children };
}

function number(prng: Prng): string {
  return `${prng.pick([-1, 0, 1, 7, 1e9, 2 ** 53])}`;
}
export const count = (prng: Prng) => prng.pick([0, 1, 3, 1e6, 2 ** 40]);
export const somewhere = (prng: Prng) => ({ epoch: prng.pick([0, 1, Date.UTC(2026, 0, 1), 2 ** 45]), n: count(prng) });
export const keepalive = (prng: Prng) => ({
  interval: prng.pick([0, 10, 60, 1e9]),
  timeout: prng.pick([0, 1, 15, 1e9]),
});
export const times = [0, -62_135_596_800_000, 253_402_300_799_000, Date.UTC(2026, 0, 1)];

/** A rank that nobody gave. */
export const rank = el('x', NS.mucUser, {}, el('item', NS.mucUser, { affiliation: 'owner', role: 'moderator' }));
