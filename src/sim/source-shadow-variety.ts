import type { RoomConfig } from '../core/room/config.ts';
import type { Affiliation } from '../core/xep/xep0045.ts';
import { bareOf, domainOf, type Jid, jid, partsOf } from '../core/xmpp/jid.ts';
import { sha256 } from '../core/xmpp/sha256.ts';
import { utf8 } from '../core/xmpp/utf8.ts';
import { sourceIn } from './instances.ts';
import type { Plan } from './plan.ts';
import type { Prng } from './prng.ts';
import type { Seat } from './seat.ts';
import type { Step, Unplanned } from './step.ts';

/** Steps that come to a plan, at most. */
export const varietyMax = 24;

/** More entries than go into one stanza. */
const longList = 700;
/** Bytes of a presence: two of them are more than go into one. */
const largePresence = 80 * 1024;

/**
 * The same plan of XEP-0281 with more: a password that some do not know, opaque ids of the shadows, long lists and large presences,
 * which go in parts, owners who change the lists also while they are cut off, and shadows that lose their logs.
 */
export function withVariety(plan: Plan, prng: Prng): Plan {
  const made = [withPassword, withIds, withLists, withPresences, withOrders, withLosses] as const;
  let varied = plan;
  for (const make of made) {
    const luck = prng.fork();
    if (luck.chance(0.3)) varied = make(varied, luck);
  }
  return varied;
}

/** The plan with other settings of the source. */
function configured(plan: Plan, settings: (room: NonNullable<ReturnType<typeof sourceIn>>) => object): Plan {
  const [first, ...others] = plan.layout.nodes;
  const room = sourceIn(plan.layout);
  if (first?.kind !== 'service' || room === undefined) return plan;
  const rooms = [{ ...room, ...settings(room) }];
  return { ...plan, layout: { ...plan.layout, nodes: [{ ...first, rooms }, ...others] } };
}

function withPassword(plan: Plan, prng: Prng): Plan {
  const password = 'open, locks';
  const ignorant = new Set(plan.people.flatMap(({ jid }) => (prng.chance(0.1) ? [bareOf(jid)] : [])));
  const people = plan.people.map((person) => (ignorant.has(bareOf(person.jid)) ? person : { ...person, password }));
  return configured({ ...plan, people }, (): Partial<RoomConfig> => ({ password }));
}

/** §1.3: ids that say nothing. */
function withIds(plan: Plan, prng: Prng): Plan {
  // A disk that refuses what a source does first makes it draw another one, when some know the first.
  const isDrawn = prng.chance(0.5) && plan.faults.quota === 0;
  const atOnce = isDrawn ? { replicate: 'at-once' } : {};
  const id = isDrawn ? 'uuid' : 'sha-256';
  const changed = configured(plan, ({ distribution }) => ({ distribution: { ...distribution, ...atOnce, id } }));
  const source = sourceIn(plan.layout)?.jid;
  return source === undefined ? changed : renamed(changed, sha256(utf8(partsOf(source).local)));
}

/** All shadows have another local part. */
function renamed(plan: Plan, local: string): Plan {
  const source = sourceIn(plan.layout)?.jid;
  const other = (room: Jid) => (room === source ? room : jid(`${local}@${domainOf(room)}`));
  const { layout } = plan;
  const people = plan.people.map((person) => ({ ...person, room: other(person.room) }));
  return { ...plan, people, layout: { ...layout, roomOf: (domain) => other(layout.roomOf(domain)) } };
}

/** A UUID is known as soon as the source runs, and counts from then on. */
export function withDrawnId(plan: Plan, seats: ReadonlyMap<Jid, Seat>): Plan {
  const source = sourceIn(plan.layout);
  if (source?.distribution.id !== 'uuid') return plan;
  const room = seats.get(domainOf(source.jid))?.node.snapshot().rooms[0];
  const [shadow] = room?.peers.map(([peer]) => peer) ?? [];
  if (shadow === undefined) return plan;
  const text = partsOf(shadow).local;
  const drawn = configured(plan, ({ distribution }) => ({ distribution: { ...distribution, id: { text } } }));
  return renamed(drawn, text);
}

function withLists(plan: Plan, prng: Prng): Plan {
  const far = Array.from({ length: longList }, (_, i): [Jid, Affiliation] => [
    jid(`m${i}@far.sim`),
    prng.pick(['member', 'outcast']),
  ]);
  return prng.chance(0.5)
    ? plan
    : configured(plan, ({ affiliations }) => ({ affiliations: new Map([...affiliations, ...far]) }));
}

/** Of users of one instance, so that its roster is in parts. */
function withPresences(plan: Plan, prng: Prng): Plan {
  const { room } = prng.pick(plan.people);
  const users = plan.people.filter((person) => person.room === room);
  const steps = Array.from({ length: 8 }, () =>
    at(plan, prng, { kind: 'presence', user: prng.pick(users).jid, show: 'away', bytes: largePresence }),
  );
  return { ...plan, steps: [...plan.steps, ...steps] };
}

/** Preferably by those who may, and while a link is cut. */
function withOrders(plan: Plan, prng: Prng): Plan {
  const ranks = sourceIn(plan.layout)?.affiliations;
  const rulers = plan.people.filter(({ jid }) => ['owner', 'admin'].includes(ranks?.get(bareOf(jid)) ?? ''));
  const cuts = plan.steps.flatMap((step) => (step.kind === 'link' && step.loss + step.twice === 0 ? [step] : []));
  const steps = Array.from({ length: 10 }, (): Step => {
    const user = prng.pick(rulers.length > 0 ? rulers : plan.people).jid;
    const target = prng.pick(plan.people).jid;
    const what = prng.pick(['member', 'member', 'pardon', 'admin', 'voice', 'mute', 'ban', 'moderated'] as const);
    const step = at(plan, prng, { kind: 'moderate', user, target, what });
    if (cuts.length === 0 || prng.chance(0.3)) return step;
    const cut = prng.pick(cuts);
    return { ...step, at: cut.at + prng.below(Math.min(cut.forMs, 30_000)) };
  });
  return { ...plan, steps: [...plan.steps, ...steps] };
}

/** Shadows that crash with all that they had, while others have it. */
function withLosses(plan: Plan, prng: Prng): Plan {
  const shadows = plan.layout.nodes.slice(1).map(({ address }) => address);
  const steps = Array.from({ length: 4 }, () =>
    at(plan, prng, { kind: 'crash', node: prng.pick(shadows), forMs: prng.below(10_000) }),
  );
  return { ...plan, faults: { ...plan.faults, diskLost: 0.7 }, steps: [...plan.steps, ...steps] };
}

function at({ steps }: Plan, prng: Prng, what: Unplanned): Step {
  const end = steps.reduce((last, step) => Math.max(last, step.at), 0);
  return { at: prng.below(end + 1), luck: prng.bits(), ...what };
}
