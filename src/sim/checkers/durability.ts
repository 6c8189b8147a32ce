import type { HistoryItem } from '../../core/room/event.ts';
import { readAsked } from '../../core/xep/instances.ts';
import { bareOf, domainOf, type Jid } from '../../core/xmpp/jid.ts';
import type { Stanza } from '../../core/xmpp/stanza.ts';
import { textOf } from '../../core/xmpp/xml.ts';
import { historyOf } from '../archives.ts';
import { readBody } from '../bodies.ts';
import { rootOf } from '../causes.ts';
import type { Evidence } from '../evidence.ts';
import type { Checker } from '../judge.ts';
import { isPlural } from '../plan.ts';
import type { Person, Verdict, Violation } from '../trace.ts';

/**
 * G14: each message is kept once; what was ever shown to anybody is kept where it was accepted, and what was shown later
 * stands later: recovery only ever goes on from what there was. But for what a disk took with it. So it is with all that was
 * accepted, also what users of a replica said in a split: it stands where it was accepted, whatever its time.
 */
export const durability: Checker = ({ trace, views, others, people, world, retold, kept: appends }) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const kept = new Map<Jid, ReadonlyMap<string, number>>();
  // By id, when each was accepted.
  const accepted = new Map<string, number>();
  const rooms = [...(world?.seats.values() ?? [])].flatMap((seat) =>
    seat.config.kind === 'service'
      ? seat.node.snapshot().rooms.map((room) => ({ room: room.room, history: historyOf(seat, room) }))
      : [],
  );
  for (const { room, history } of rooms) kept.set(room, placesIn(history, people, retold.bodies, violations));
  const distributed = isPlural(world?.plan.mode);
  // In primary-replica mode all is accepted at one node, and its author's own may have left the set.
  // And all instances have the same (S-e), though the author's own may be no instance any more.
  const primary = world?.plan.mode === '0289pr' || world?.plan.mode === '0281' ? rooms[0]?.room : undefined;
  const last = new Map(views.map((view) => [view, -1]));
  const decides = (node: Jid) => world?.seats.get(node)?.config.kind === 'service';
  // So does a shadow that is none any more.
  const ended = appends.findLast(({ record }) => record.events.some(({ kind }) => kind === 'roomDestroyed'))?.i ?? -1;
  const lost = others.findLast(({ record }) => record.kind === 'forgotten' && decides(record.node))?.i ?? -1;
  const forgotten = Math.max(lost, ended);
  return {
    kept(event, { node }, _, i) {
      if (event.kind === 'messageAccepted' && decides(node)) accepted.set(event.item.id, i);
    },
    heard({ i, view, body, said, delayed, beside, sent }) {
      const author = said && people[said.user];
      if (delayed || !author || author.hostile === 'node' || !world) return;
      // What a replica that is cut off lets its users say to each other is kept if the primary takes it (decision #42).
      if (beside || (forgotten >= 0 && rootOf(trace, sent) < forgotten)) return;
      exercised++;
      const place = kept.get(primary ?? author.room)?.get(body);
      if (place === undefined) violations.push({ invariant: 'G14', what: `${body} was shown and is not kept`, at: i });
      // FMUC nodes each have an order of their own, and promise no other.
      else if (!distributed && place < (last.get(view) ?? -1))
        violations.push({ invariant: 'G14', what: `${body} was shown after a message that stands after it`, at: i });
      else last.set(view, place);
    },
    verdict() {
      // FMUC nodes put what they join into what they have.
      if (!distributed) for (const { history } of rooms) violations.push(...misplaced(history, accepted));
      return { violations, exercised };
    },
  };
};

function misplaced(history: readonly HistoryItem[], accepted: ReadonlyMap<string, number>): readonly Violation[] {
  let latest = -1;
  return history.flatMap(({ id, payloads }) => {
    const at = accepted.get(id) ?? latest;
    const what = `${payloads.map(textOf).join()} stands after what was accepted later`;
    if (at < latest) return [{ invariant: 'G14', what }];
    latest = at;
    return [];
  });
}

/** Where each message stands in a history; none may stand there twice. */
function placesIn(
  history: readonly HistoryItem[],
  people: readonly Person[],
  retold: ReadonlySet<string>,
  violations: Violation[],
): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  for (const [k, { payloads }] of history.entries()) {
    const body = payloads.find(({ name }) => name === 'body');
    const text = body && textOf(body);
    const said = readBody(text);
    if (said === undefined || text === undefined) continue;
    // A hostile node may repeat what its own users say (invariants.md, Who may be hostile).
    const repeated = places.has(text) && people[said.user]?.hostile !== 'node' && !retold.has(text);
    if (repeated) violations.push({ invariant: 'G14', what: `${text} is kept twice` });
    places.set(text, k);
  }
  return places;
}

/** G15: all nodes ask each other for everything once more, and nothing is different. */
export const idempotence: Checker = (given) => ({ verdict: () => sameAfterRepetition(given) });

function sameAfterRepetition({ world, trace, kept, others, people, contested }: Evidence): Verdict {
  const violations: Violation[] = [];
  if (!world?.before) return { violations, exercised: 0 };
  // A hostile node gives orders in its users' names, also now: what differs then is not due to the repetition.
  const begun = others.findLast(({ record }) => record.kind === 'phase' && record.phase === 'repeated')?.i ?? 0;
  const theirs = new Set(people.filter(({ hostile }) => hostile === 'node').map(({ jid }) => jid));
  // So is what a node of an FMUC set says in their names, and held back before.
  // By an instance of XEP-0281 they ask the source, and the order may come late.
  const isTheirs = ({ name, from, payloads }: Stanza) =>
    name === 'iq'
      ? theirs.has(readAsked(payloads)?.from ?? from)
      : name === 'message' && domainOf(from) === world.plan.hostileNode;
  const ordered = kept.some(({ i, record: { cause } }) => {
    const order = i > begun && cause !== undefined ? trace[cause] : undefined;
    return order?.kind === 'out' && isTheirs(order.stanza);
  });
  if (ordered) return { violations, exercised: 0 };
  let exercised = 0;
  const after = world.portrait();
  // Of users whom a node does not show others know by another way, or not: in a ring that depends on which link is made first.
  const differing = new Set(
    [...world.seats.values()].flatMap(({ node }) =>
      node
        .snapshot()
        .rooms.flatMap(({ occupants }) =>
          occupants.flatMap(({ nick, jid }) => (jid !== undefined && contested.has(bareOf(jid)) ? [nick] : [])),
        ),
    ),
  );
  // What a hostile instance has said it tells one of the others, and later another.
  const its = world.plan.mode === '0281' ? world.plan.hostileNode : undefined;
  // What such a user has made of the subject a node takes from the room that it joins, and not from one that joins it (decision
  // #181): of two that join each other it depends on which asks first.
  const isContested = ({ author, by }: HistoryItem) =>
    (author !== undefined && contested.has(bareOf(author))) || (its !== undefined && domainOf(by) === its);
  const subjects = new Set(
    kept
      .flatMap(({ record }) => record.events)
      .flatMap((event) =>
        event.kind === 'subjectChanged' && event.item !== undefined && isContested(event.item)
          ? [event.subject.text]
          : [],
      ),
  );
  for (const [node, held] of world.before) {
    exercised++;
    const [text, now] = alike(held, after.get(node) ?? '', subjects)
      .map((one) => without(one, differing))
      .map((one) => (its === undefined ? one : withoutWordsOf(one, its))) as [string, string];
    if (now === text) continue;
    let i = 0;
    while (now[i] === text[i]) i++;
    const part = (all: string) => `…${all.slice(Math.max(0, i - 60), i + 60)}…`;
    violations.push({ invariant: 'G15', what: `${node} had ${part(text)} and after a repetition has ${part(now)}` });
  }
  return { violations, exercised };
}

/** Two portraits of a node, without the subjects of a room that has one of these in one of them. */
function alike(one: string, other: string, subjects: ReadonlySet<string>): readonly [string, string] {
  if (subjects.size === 0 || one === '' || other === '') return [one, other];
  const [before, after] = [one, other].map((text) => JSON.parse(text) as { subject: string }[]) as [
    { subject: string }[],
    { subject: string }[],
  ];
  for (const [i, room] of before.entries()) {
    const now = after[i];
    if (now === undefined || !(subjects.has(room.subject) || subjects.has(now.subject))) continue;
    room.subject = '';
    now.subject = '';
  }
  return [JSON.stringify(before), JSON.stringify(after)];
}

/** A portrait (portrait.ts) without what a room of this service has accepted. */
function withoutWordsOf(portrait: string, service: Jid): string {
  if (portrait === '') return portrait;
  const rooms = JSON.parse(portrait) as readonly { readonly history: readonly string[] }[];
  const isTheirs = (item: string) => domainOf((item.split(' ')[0] ?? '') as Jid) === service;
  return JSON.stringify(rooms.map((room) => ({ ...room, history: room.history.filter((item) => !isTheirs(item)) })));
}

/** A portrait (portrait.ts) without these nicks, of whose words it may hold some or not. */
function without(portrait: string, nicks: ReadonlySet<string>): string {
  if (nicks.size === 0 || portrait === '') return portrait;
  const rooms = JSON.parse(portrait) as readonly { readonly occupants: readonly string[] }[];
  return JSON.stringify(
    rooms.map((room) => ({
      ...room,
      occupants: room.occupants.filter((occupant) => !nicks.has(occupant.split(' ')[0] ?? '')),
      history: [],
    })),
  );
}
