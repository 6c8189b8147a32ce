import type { RoomEvent } from '../core/room/event.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import { fold, type Occupants } from './checkers/occupants.ts';
import type { Evidence } from './evidence.ts';
import type { Other, RecordOf, SimRecord, Verdict } from './trace.ts';
import type { Seen } from './view.ts';

/** One invariant: a watch of its own over each run. */
export type Checker = (given: Evidence) => Watch;

/**
 * Is shown what happened, in the trace's order, and then says what is wrong. One walk shows the run to all checkers, and to
 * each only what it has a function for: a walk for each took a third of a run, and small functions are compiled soon.
 */
export interface Watch {
  /** A person's client, hostile or not, handed something to its server. */
  readonly said?: (record: RecordOf<'in'>, i: number) => void;
  /** A node did. */
  readonly sent?: (record: RecordOf<'in'>, i: number) => void;
  /** Somebody to whom the invariants are promised was handed something. */
  readonly got?: (seen: Seen) => void;
  /** The same, of the words of their room alone. */
  readonly heard?: (seen: Heard) => void;
  /** Somebody else was: a node, or hostile people. */
  readonly handed?: (record: RecordOf<'out'>, i: number) => void;
  /** A node kept an event, and that was not undone. */
  readonly kept?: (event: RoomEvent, before: Place, record: RecordOf<'append'>, i: number) => void;
  readonly other?: (record: Other, i: number) => void;
  readonly verdict: () => Verdict;
}

/** Words that somebody said to all in the room. */
export type Heard = Seen & { readonly body: string };

/** A room at a node, the same object throughout a run, with the people who are in by what the node kept so far. */
export interface Place {
  readonly node: Jid;
  readonly room: Jid;
  readonly occupants: Occupants;
}

/** Shows a run to its checkers, and asks them what is wrong. */
export function judge(given: Evidence, checkers: Readonly<Record<string, Checker>>): ReadonlyMap<string, Verdict> {
  const watches = Object.entries(checkers).map(([name, checker]) => [name, checker(given)] as const);
  const show = showing(
    given,
    watches.map(([, watch]) => watch),
  );
  for (let i = 0; i < given.trace.length; i++) show(given.trace[i] as SimRecord, i);
  return new Map(watches.map(([name, watch]) => [name, watch.verdict()]));
}

/** @returns what shows one record; to be called with all of them, in order */
function showing({ said, got, undone }: Evidence, watches: readonly Watch[]): (record: SimRecord, i: number) => void {
  const onSaid = all(watches.flatMap((watch) => watch.said ?? []));
  const onSent = all(watches.flatMap((watch) => watch.sent ?? []));
  const onGot = all(watches.flatMap((watch) => watch.got ?? []));
  const onHeard = all(watches.flatMap((watch) => watch.heard ?? []));
  const onHanded = all(watches.flatMap((watch) => watch.handed ?? []));
  const onOther = all(watches.flatMap((watch) => watch.other ?? []));
  const onKept = watches.flatMap((watch) => watch.kept ?? []);
  const known = new Map<Jid, Place[]>();
  const placeOf = places(known);
  const keep = (event: RoomEvent, record: RecordOf<'append'>, i: number) => {
    const place = placeOf(record.node, event.room);
    for (let k = 0; k < onKept.length; k++) onKept[k]?.(event, place, record, i);
    fold(place.occupants, event);
  };
  let s = 0;
  let g = 0;
  return (record, i) => {
    switch (record.kind) {
      case 'link':
        return;
      case 'in':
        if (said[s]?.i !== i) return onSent(record, i);
        s++;
        return onSaid(record, i);
      case 'out': {
        const seen = got[g];
        if (seen?.i !== i) return onHanded(record, i);
        g++;
        onGot(seen, i);
        if (isHeard(seen)) onHeard(seen, i);
        return;
      }
      case 'append':
        if (!undone.has(i)) for (const event of record.events) keep(event, record, i);
        return;
      case 'forgotten':
        for (const { occupants } of known.get(record.node) ?? []) occupants.clear();
        return onOther(record, i);
      default:
        onOther(record, i);
    }
  };
}

function isHeard(seen: Seen): seen is Heard {
  return seen.body !== undefined && seen.ofRoom;
}

function all<T>(tell: readonly ((what: T, i: number) => void)[]): (what: T, i: number) => void {
  return (what, i) => {
    for (let k = 0; k < tell.length; k++) tell[k]?.(what, i);
  };
}

/** Finds, or makes, the place of a room at a node. */
function places(known: Map<Jid, Place[]>): (node: Jid, room: Jid) => Place {
  return (node, room) => {
    const rooms = known.get(node) ?? [];
    for (const place of rooms) if (place.room === room) return place;
    const place = { node, room, occupants: new Map() };
    rooms.push(place);
    known.set(node, rooms);
    return place;
  };
}
