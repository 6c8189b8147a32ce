import { readMucUser } from '../../core/xep/xep0045.ts';
import { bareOf, type Jid } from '../../core/xmpp/jid.ts';
import { NS } from '../../core/xmpp/namespaces.ts';
import { stanzaText } from '../../core/xmpp/stanza.ts';
import { sentAt } from '../causes.ts';
import type { Evidence } from '../evidence.ts';
import type { Checker } from '../judge.ts';
import type { SimRecord, Violation } from '../trace.ts';
import { type View, whole } from '../view.ts';
import { fold, type Occupants, sessionsOf } from './occupants.ts';

/**
 * G7: no byte to a user who is no moderator names another user's real JID, where JIDs are for moderators. What counts is the
 * room that the user is in: FMUC rooms decide each for itself.
 */
export const confidentiality: Checker = (given) => {
  const { trace, views, byJid, people, world, leaks } = given;
  const violations: Violation[] = [];
  let exercised = 0;
  const open = new Set<Jid>();
  for (const node of world?.plan.layout.nodes ?? [])
    for (const { jid, whois } of node.kind === 'replica' ? [node.room] : node.rooms)
      if (whois === 'anyone') {
        open.add(jid);
        // The instances of XEP-0281 have the configuration of their source.
        if (world?.plan.mode === '0281') for (const { person } of views) open.add(person.room);
      }
  if (views.every(({ person }) => open.has(person.room))) return { verdict: () => ({ violations, exercised }) };
  const real = new Set(people.map(({ jid }) => bareOf(jid)));
  const own = new Map(
    views.map((view) => {
      const bare = bareOf(view.person.jid);
      return [view, (jid: Jid) => jid === bare];
    }),
  );
  const moderators = new Set<View>();
  const told = new Map<View, number>();
  // Users whose client has no self-presence yet: what comes may be for their earlier session, or the end of that got lost.
  const unaware = new Set<View>(views);
  const excused = once(() => breathsOfRanks(views, trace));
  const moderatorAt = once(() => moderatorsAtNodes(given));
  const isExcused = (view: View, i: number) =>
    excused().has(`${view.person.jid} ${breathOf(trace, i)}`) ||
    // A link may have swallowed what told them.
    !whole(view, told.get(view) ?? 0, i) ||
    (unaware.has(view) && moderatorAt()(view.person.jid, i));
  return {
    other(record) {
      const view = record.kind === 'session' ? byJid.get(record.user) : undefined;
      if (record.kind !== 'session' || view === undefined) return;
      moderators.delete(view);
      if (!record.up) unaware.add(view);
    },
    got({ i, view, ofRoom, self, sent, stanza }) {
      if (ofRoom && self) {
        if (readMucUser(stanza.payloads)?.role === 'moderator') moderators.add(view);
        else moderators.delete(view);
        // What a link swallows while it is under way was sent after it.
        told.set(view, sent);
        unaware.delete(view);
      }
      if (moderators.has(view) || open.has(view.person.room)) return;
      exercised++;
      const sender = ofRoom ? undefined : bareOf(stanza.from);
      const names = leaks(stanza, own.get(view) as (jid: Jid) => boolean);
      const all =
        sender !== undefined && sender !== bareOf(view.person.jid) && real.has(sender) ? [sender, ...names] : names;
      for (const jid of all)
        if (!isExcused(view, i))
          violations.push({
            invariant: 'G7',
            what: `${view.person.jid} learns ${jid} from ${stanzaText(stanza)}`,
            at: i,
          });
    },
    verdict: () => ({ violations, exercised }),
  };
};

/** What is costly to know, and asked for in few runs. */
function once<T>(find: () => T): () => T {
  let found: { readonly value: T } | undefined;
  return () => {
    found ??= { value: find() };
    return found.value;
  };
}

/** Users who were told that they are a moderator, with the breath of it: they may know what the node said in it before. */
function breathsOfRanks(views: readonly View[], trace: readonly SimRecord[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { person, seen } of views)
    for (const { i, self, stanza } of seen)
      if (self && stanza.type === undefined && readMucUser(stanza.payloads)?.role === 'moderator')
        found.add(`${person.jid} ${breathOf(trace, i)}`);
  return found;
}

/**
 * Whether the node that sent something, when it did, had its addressee in as a moderator, by its own log: until it learns
 * that a session is gone, a room tells it what that session may know, and a new one of the same full JID gets it.
 */
function moderatorsAtNodes({ trace, kept }: Evidence): (to: Jid, out: number) => boolean {
  const rooms = new Map<string, Occupants>();
  const changes = new Map<string, Change[]>();
  for (const { i, record } of kept) {
    for (const event of record.events) {
      const room = `${record.node} ${event.room}`;
      const occupants: Occupants = rooms.get(room) ?? new Map();
      rooms.set(room, occupants);
      const before = moderatorsOf(occupants);
      fold(occupants, event);
      const after = moderatorsOf(occupants);
      for (const jid of new Set([...before, ...after])) {
        if (before.has(jid) === after.has(jid)) continue;
        const key = `${room} ${jid}`;
        changes.set(key, [
          ...(changes.get(key) ?? []),
          { append: i, input: record.cause ?? i, moderator: after.has(jid) },
        ]);
      }
    }
  }
  return (to, out) => {
    const at = sentAt(trace, out);
    const sent = trace[at];
    if (sent?.kind !== 'in') return false;
    // Of what a node did it is known in which order; what it took in without doing anything it took in as it arrived.
    const cause = sent.cause ?? at;
    const by = trace[cause]?.kind === 'out' ? 'input' : 'append';
    const known = changes.get(`${sent.by} ${bareOf(sent.stanza.from)} ${to}`) ?? [];
    // What makes them one is told to them as to one, from the others' presence on.
    const becomes = known.some((change) => change[by] === cause && change.moderator);
    return becomes || (known.findLast((change) => change[by] < cause)?.moderator ?? false);
  };
}

interface Change {
  /** Index of its record, and of what arrived and led to it. */
  readonly append: number;
  readonly input: number;
  readonly moderator: boolean;
}

function moderatorsOf(occupants: Occupants): ReadonlySet<Jid> {
  const found = new Set<Jid>();
  for (const occupant of occupants.values())
    if (occupant.role === 'moderator') for (const { jid } of sessionsOf(occupant)) found.add(jid);
  return found;
}

/**
 * What a stanza that arrived was sent because of: the same for all that a node sent for one input. After its own start it
 * sends without one, and then all that goes without a break is the same.
 */
function breathOf(trace: readonly SimRecord[], out: number): number {
  let sent = sentAt(trace, out);
  const record = trace[sent];
  if (record?.kind !== 'in') return sent;
  if (record.cause !== undefined) return record.cause;
  for (let i = sent - 1; i >= 0; i--) {
    const before = trace[i];
    if (before?.kind === 'link') continue;
    if (before?.kind !== 'in' || before.by !== record.by || before.cause !== undefined) break;
    sent = i;
  }
  return sent;
}

const internal: ReadonlySet<string> = new Set([NS.dmuc1, NS.dmuc2, NS.fmuc, NS.ext]);

/** G8: no client ever gets an element that is between nodes, or two accounts of who somebody is. */
export const hygiene: Checker = () => {
  const violations: Violation[] = [];
  let exercised = 0;
  return {
    got({ i, view, stanza, body }) {
      exercised++;
      let accounts = 0;
      let leaked = false;
      for (const { xmlns } of stanza.payloads) {
        if (internal.has(xmlns)) leaked = true;
        else if (xmlns === NS.mucUser) accounts++;
      }
      if (leaked || (stanza.name === 'presence' && accounts > 1) || (body !== undefined && accounts > 0))
        violations.push({ invariant: 'G8', what: `${view.person.jid} got ${stanzaText(stanza)}`, at: i });
    },
    verdict: () => ({ violations, exercised }),
  };
};
