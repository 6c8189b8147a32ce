import type { NodeConfig } from '../../core/node/config.ts';
import type { Occupant } from '../../core/room/event.ts';
import { bareOf, domainOf, type Jid, resourceOf } from '../../core/xmpp/jid.ts';
import { bodyOf } from '../../core/xmpp/stanza.ts';
import { bodyText, readBody } from '../bodies.ts';
import type { Evidence } from '../evidence.ts';
import type { Checker } from '../judge.ts';
import { isSelf } from '../stanzas.ts';
import type { Violation } from '../trace.ts';
import { isOut, lost, type View, whole } from '../view.ts';
import { userOf } from './occupants.ts';
import { untoldOf } from './untold.ts';

/** Number of the author that a body names, be it an honest one (`#3:17`) or a forged one (`!3:17`). */
function authorOf(body: string): number | undefined {
  const match = /^[#!](\d+):\d+/.exec(body);
  return match ? Number(match[1]) : undefined;
}

/** Rules by which a room says something to a user in its own name. */
export const ownWords: ReadonlySet<string> = new Set([
  'decision#156',
  'decision#169',
  'decision#160',
  'decision#175',
  'decision#180',
  'decision#206',
]);

/**
 * G2: whoever a message is shown as coming from was given that nick, and said it. What a hostile node's own users say is
 * that node's to invent (invariants.md, Who may be hostile).
 */
export const integrity: Checker = ({ trace, people, world }) => {
  const violations: Violation[] = [];
  let exercised = 0;
  // By user, and by session.
  const nicks = new Map<Jid, Set<string>>();
  const words = new Map<Jid, Set<string>>();
  for (const { jid } of people) {
    nicks.set(bareOf(jid), new Set());
    words.set(jid, new Set());
  }
  // A node may know somebody by their occupant id alone, and calls them otherwise where their nick is another's (decision #207).
  const ids = new Map<string, Jid>();
  const give = (occupant: Occupant | undefined, nick: string) => {
    if (occupant === undefined) return;
    const user = userOf(occupant);
    if (user !== undefined) ids.set(occupant.occupantId, user);
    const to = user ?? ids.get(occupant.occupantId);
    if (to !== undefined) nicks.get(to)?.add(nick);
  };
  return {
    said({ stanza, by }) {
      const body = stanza.type === 'groupchat' ? bodyOf(stanza) : undefined;
      if (body !== undefined) words.get(by)?.add(body);
    },
    kept(event, { node, occupants }) {
      if (node === world?.plan.hostileNode) return;
      if (event.kind === 'occupantEntered') give(event.occupant, event.occupant.nick);
      else if (event.kind === 'nickChanged') give(occupants.get(event.nick), event.newNick);
      else if (event.kind === 'stateReplaced') for (const one of event.occupants) give(one, one.nick);
    },
    heard({ i, body, said, sent, stanza }) {
      // The room's own word to one user.
      const record = trace[sent];
      if (record?.kind === 'in' && ownWords.has(record.spec)) return;
      exercised++;
      const author = people[said?.user ?? authorOf(body) ?? -1];
      if (author?.hostile === 'node') return;
      const nick = resourceOf(stanza.from);
      if (author === undefined || !nicks.get(bareOf(author.jid))?.has(nick) || !words.get(author.jid)?.has(body))
        violations.push({ invariant: 'G2', what: `"${body.slice(0, 80)}" was shown as said by ${nick}`, at: i });
    },
    verdict: () => ({ violations, exercised }),
  };
};

/**
 * G5: an accepted message comes back to its sender with the id it was sent with; once a session, which is G4's to check.
 * A message was accepted if somebody else got it, and a sender who stayed in all the time has it at the end. A replica that
 * starts again gets only as much of what it missed as the room shows of its history: beyond that nothing is promised. Nor is
 * it to somebody who was told that nobody knows what became of it.
 */
export const ownReflection: Checker = (given) => {
  const { trace, byJid, world, others } = given;
  const violations: Violation[] = [];
  let exercised = 0;
  const sent = new Map<string, { readonly i: number; readonly id: string | undefined; readonly by: View }>();
  const left = new Map<View, number>();
  const back = new Set<string>();
  const elsewhere = new Map<string, number>();
  // What waits for an echo a crash of its author's node forgets (decision #152).
  const forgets = (user: Jid, i: number) =>
    world?.plan.mode === '0282' ||
    (world?.plan.mode === '0289pr' &&
      others.some(
        ({ i: at, record }) =>
          at > i &&
          record.kind === 'fault' &&
          'node' in record.fault &&
          record.fault.kind !== 'freeze' &&
          world.seats.get(record.fault.node)?.config.server === domainOf(user),
      ));
  const isRetold = ({ person }: View, since: number, until: number) =>
    world?.plan.mode === '0281' &&
    world.plan.hostileNode !== undefined &&
    others.some(
      ({ i, record }) => i > since && i < until && record.kind === 'forgotten' && record.node === domainOf(person.room),
    );
  return {
    said({ by: user, stanza }, i) {
      const by = byJid.get(user);
      if (by === undefined) return;
      if (stanza.type === 'unavailable') left.set(by, i);
      const body = stanza.type === 'groupchat' ? bodyOf(stanza) : undefined;
      if (body !== undefined && readBody(body)) sent.set(body, { i, id: stanza.id, by });
    },
    heard({ i, view, body, delayed, stanza }) {
      const own = sent.get(body);
      if (own === undefined) return;
      if (own.by !== view) {
        if (!delayed) elsewhere.set(body, i);
        return;
      }
      exercised++;
      back.add(body);
      // What a room had accepted before it lost its log it has of whoever tells it (decision #203), also of a hostile one.
      if (delayed && isRetold(view, own.i, i)) return;
      if (own.id !== stanza.id) violations.push({ invariant: 'G5', what: `${body} came back with another id`, at: i });
    },
    verdict() {
      const untold = untoldOf(given);
      const isForgetful = keepsLittle(given);
      for (const [body, at] of elsewhere) {
        if (back.has(body)) continue;
        const { i, by, id } = sent.get(body) as { i: number; by: View; id: string };
        if ((left.get(by) ?? 0) > i || !stayed(by, i, trace.length)) continue;
        if (by.seen.some(({ stanza }) => stanza.type === 'error' && stanza.id === id)) continue;
        if (isForgetful && forgets(by.person.jid, i)) continue;
        // Kept, and its node crashed before it could say so: it is in the history, and is not said again (decision #50).
        if (untold.get(by.person.jid)?.has(body)) continue;
        violations.push({ invariant: 'G5', what: `${body} never came back to ${by.person.jid}`, at });
      }
      return { violations, exercised };
    },
  };
};

/** Whether they were in all the time, and nothing that was sent to them was lost. */
function stayed(view: View, from: number, to: number): boolean {
  return (
    view.born < from &&
    view.seen.some(({ i }) => i < from && view.entries.has(i)) &&
    !view.seen.some((seen) => seen.i > from && (isOut(seen) || view.entries.has(seen.i))) &&
    whole(view, view.born, to)
  );
}

/** Whether some room keeps few messages, or none. */
function keepsLittle({ world, kept }: Evidence): boolean {
  const isFew = (node: NodeConfig) => node.kind === 'service' && node.rooms.some((room) => room.historyMax < 200);
  return (
    world?.plan.layout.nodes.some(isFew) === true ||
    kept.some(({ record }) =>
      record.events.some((event) => event.kind === 'roomConfigured' && event.changes.historyMax !== undefined),
    )
  );
}

/** Numbers of the bodies that everybody says at the end, when all is well again; by round. */
export const lastWord = (round: number) => 1_000_000 * round;

/**
 * Liveness: the last word of every user who believes they are in reaches every such user, once. A user who may not speak is
 * told so.
 */
export const lastWords: Checker = (given) => {
  const { trace, views, people, contested, world } = given;
  const violations: Violation[] = [];
  let exercised = 0;
  const words = new Map(people.map(({ jid }, i) => [jid, bodyText(i, lastWord(2))]));
  // A user who was not in when they spoke had no last word.
  const spoke = new Map<Jid, string | undefined>();
  const heard = new Map(views.map((view) => [view, new Map<string, number>()]));
  const inside = views.filter(({ person }) => {
    const user = world?.users.get(person.jid);
    return user?.online && user.half.state().phase === 'joined';
  });
  const hostile = world?.plan.hostileNode;
  let isLast = false;
  // A node of XEP-0289 leaves another when a hostile one takes the last users away for whom it had joined, also now.
  let hasLeft = false;
  return {
    other(record) {
      if (record.kind === 'phase') isLast = record.phase === 'words';
    },
    kept(event, { node }) {
      if (!isLast || hostile === undefined || event.kind !== 'peerChanged' || event.record?.state === 'live') return;
      if (node !== hostile && domainOf(event.peer) !== hostile) hasLeft = true;
    },
    said({ by, stanza }) {
      if (stanza.type === 'groupchat' && bodyOf(stanza) === words.get(by)) spoke.set(by, stanza.id);
    },
    heard({ view, said, body }) {
      if (said?.n !== lastWord(2)) return;
      const times = heard.get(view);
      times?.set(body, (times.get(body) ?? 0) + 1);
    },
    verdict() {
      // Where a link lost the news that they are out, users believe they are in and are not.
      const unsure = new Set(inside.filter((view) => lost(trace, view, lastEntry(view), isSelf)));
      for (const author of inside) {
        const { jid } = author.person;
        const body = words.get(jid) as string;
        const refused = author.seen.some(
          ({ stanza }) => stanza.name === 'message' && stanza.type === 'error' && stanza.id === spoke.get(jid),
        );
        if (!spoke.has(jid) || refused || unsure.has(author) || contested.has(bareOf(jid))) continue;
        for (const view of inside) {
          // A node whose users all are refused elsewhere is alone.
          if (unsure.has(view) || contested.has(bareOf(view.person.jid))) continue;
          exercised++;
          const times = heard.get(view)?.get(body) ?? 0;
          // What was said meanwhile comes later from a node that keeps it.
          if (times === 1 || (times === 0 && hasLeft && keepsLittle(given))) continue;
          const what = `${view.person.jid} got the last word of ${jid} ${times} times`;
          violations.push({ invariant: 'liveness', what });
        }
      }
      return { violations, exercised };
    },
  };
};

/** Index at which the answer to the last join was sent. */
export function lastEntry({ seen, entries }: View): number {
  return seen.findLast(({ i }) => entries.has(i))?.sent ?? 0;
}
