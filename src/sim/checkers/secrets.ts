import { hasStatus, readMucUser } from '../../core/xep/xep0045.ts';
import { bareOf, type Jid } from '../../core/xmpp/jid.ts';
import { NS } from '../../core/xmpp/namespaces.ts';
import { bodyOf, stanzaText } from '../../core/xmpp/stanza.ts';
import { type Evidence, inOrder, isOf, type Placed, sentAt, whole } from '../evidence.ts';
import type { RecordOf, SimRecord, Verdict, Violation } from '../trace.ts';
import { fold, type Occupants } from './occupants.ts';

/** G7: no byte to somebody who is no moderator names another user's real JID, where JIDs are for moderators. */
export function confidentiality(given: Evidence): Verdict {
  const { trace, views, byJid, got, others, world, named } = given;
  const violations: Violation[] = [];
  let exercised = 0;
  if (
    world?.plan.layout.nodes.some((node) =>
      (node.kind === 'replica' ? [node.room] : node.rooms).some((room) => room.whois === 'anyone'),
    )
  )
    return { violations, exercised };
  const real = new Set(given.people.map(({ jid }) => bareOf(jid)));
  const moderators = new Set<Jid>();
  const told = new Map<Jid, number>();
  // What a node said in the same breath in which it told somebody that they are a moderator, and before it, they may know.
  const excused = new Set<string>();
  const breath = (to: Jid, i: number) => `${to} ${breathOf(trace, i)}`;
  for (const { person, seen } of views)
    for (const { i, self, stanza } of seen)
      if (self && stanza.type === undefined && readMucUser(stanza.payloads)?.role === 'moderator')
        excused.add(breath(person.jid, i));
  // Whose client began anew and has heard nothing of themselves since: what comes may be for their earlier session.
  const unaware = new Set<Jid>();
  let atNodes: ReturnType<typeof moderatorsAtNodes> | undefined;
  const formerly = (to: Jid, i: number) => {
    if (!unaware.has(to)) return false;
    atNodes ??= moderatorsAtNodes(given);
    return atNodes(to, i);
  };
  const sessions = others.filter((one): one is Placed<RecordOf<'session'>> => one.record.kind === 'session');
  for (const { i, record } of inOrder<Placed<RecordOf<'out' | 'session'>>>(got, sessions)) {
    if (record.kind === 'session') {
      moderators.delete(record.user);
      if (!record.up) unaware.add(record.user);
      continue;
    }
    const { stanza, to } = record;
    const view = byJid.get(to);
    if (view === undefined) continue;
    if (hasStatus(stanza.payloads, 110) && isOf(stanza, view.person.room)) {
      if (readMucUser(stanza.payloads)?.role === 'moderator') moderators.add(to);
      else moderators.delete(to);
      told.set(to, i);
      unaware.delete(to);
    }
    if (moderators.has(to)) continue;
    exercised++;
    const sender = bareOf(stanza.from);
    for (const jid of real.has(sender) ? [sender, ...named(stanza)] : named(stanza)) {
      // A link may have swallowed what told them.
      if (jid !== bareOf(to) && !excused.has(breath(to, i)) && whole(view, told.get(to) ?? 0, i) && !formerly(to, i))
        violations.push({ invariant: 'G7', what: `${to} learns ${jid} from ${stanzaText(stanza)}`, at: i });
    }
  }
  return { violations, exercised };
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
    return known.findLast((change) => change[by] < cause)?.moderator ?? false;
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
  for (const { jid, role } of occupants.values()) if (jid !== undefined && role === 'moderator') found.add(jid);
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
export function hygiene({ got }: Evidence): Verdict {
  const violations: Violation[] = [];
  let exercised = 0;
  for (const { i, record } of got) {
    const { stanza } = record;
    exercised++;
    let accounts = 0;
    let leaked = false;
    for (const { xmlns } of stanza.payloads) {
      if (internal.has(xmlns)) leaked = true;
      else if (xmlns === NS.mucUser) accounts++;
    }
    const said = stanza.type === 'groupchat' && bodyOf(stanza) !== undefined;
    if (leaked || (stanza.name === 'presence' && accounts > 1) || (said && accounts > 0))
      violations.push({ invariant: 'G8', what: `${record.to} got ${stanzaText(stanza)}`, at: i });
  }
  return { violations, exercised };
}
