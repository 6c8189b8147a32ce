import { readJoin, readMucUser } from '../core/xep/xep0045.ts';
import { bareOf, domainOf, type Jid, resourceOf } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { bodyOf, payloadOf, type Stanza, stanzaText, subjectOf } from '../core/xmpp/stanza.ts';
import type { SimRecord, Violation } from './trace.ts';
import { readBody } from './workload.ts';
import type { World } from './world.ts';

/** What a checker says: what is wrong, and how often it had something to look at. */
export interface Verdict {
  readonly violations: readonly Violation[];
  readonly exercised: number;
}

export interface CheckInput {
  readonly trace: readonly SimRecord[];
  readonly users: readonly { readonly jid: Jid; readonly room: Jid }[];
  /** The world at quiescence; undefined where only a trace is looked at. */
  readonly world?: World;
}

/** What a user's client saw of the room, in order, with the trace's index. */
interface Seen {
  readonly i: number;
  readonly stanza: Stanza;
}

function seenBy({ trace }: CheckInput, user: { readonly jid: Jid; readonly room: Jid }): Seen[] {
  const seen: Seen[] = [];
  for (const [i, record] of trace.entries()) {
    if (record.kind === 'delivered' && record.to === user.jid && bareOf(record.stanza.from) === user.room)
      seen.push({ i, stanza: record.stanza });
  }
  return seen;
}

const isSelf = (stanza: Stanza) =>
  stanza.name === 'presence' && (readMucUser(stanza.payloads)?.statuses.includes(110) ?? false);
const isEntry = (stanza: Stanza) => isSelf(stanza) && stanza.type === undefined;
const isGroupchat = (stanza: Stanza) => stanza.name === 'message' && stanza.type === 'groupchat';
const isDelayed = (stanza: Stanza) => payloadOf(stanza, 'delay', NS.delay) !== undefined;
const isSubject = (stanza: Stanza) =>
  isGroupchat(stanza) && bodyOf(stanza) === undefined && subjectOf(stanza) !== undefined;

/**
 * Indices of the self-presences that answer a join. A change of nick or presence comes back as a self-presence too, and
 * after a split delayed messages may follow one: so there must be a join that has no answer yet, or (for a join of the
 * client's earlier life, answered late) all of an answer up to the subject that ends it, which has no stanza-id.
 */
function entries(input: CheckInput, user: { readonly jid: Jid; readonly room: Jid }): ReadonlySet<number> {
  const found = new Set<number>();
  const seen = seenBy(input, user);
  const isEnd = (stanza: Stanza) => isSubject(stanza) && payloadOf(stanza, 'stanza-id', NS.sid) === undefined;
  let asked = 0;
  let k = 0;
  for (const [i, record] of input.trace.entries()) {
    if (record.kind === 'session' && record.user === user.jid) asked = 0;
    else if (record.kind === 'sent' && record.by === user.jid && readJoin(record.stanza.payloads)) asked++;
    if (seen[k]?.i !== i) continue;
    const following = seen.slice(++k, k + 1000).map(({ stanza }) => stanza);
    if (!isEntry((seen[k - 1] as Seen).stanza)) continue;
    const first = following[0];
    const answers = first !== undefined && (isEnd(first) || (isGroupchat(first) && isDelayed(first)));
    const whole =
      answers && following.find((stanza) => !(isGroupchat(stanza) && isDelayed(stanza) && !isSubject(stanza)));
    if (answers && (asked > 0 || (whole && isEnd(whole)))) {
      found.add(i);
      asked = Math.max(0, asked - 1);
    }
  }
  return found;
}

/** G1: after the own presence only history, each with a delay, until the subject; no presence, nothing live. */
export function orderOfJoin(input: CheckInput): Verdict {
  const violations: Violation[] = [];
  let exercised = 0;
  for (const user of input.users) {
    const joined = entries(input, user);
    let history = false;
    for (const { i, stanza } of seenBy(input, user)) {
      if (stanza.type === 'error' || stanza.name === 'iq') continue;
      if (joined.has(i)) {
        history = true;
        exercised++;
      } else if (history && isSubject(stanza)) history = false;
      else if (isSelf(stanza) && stanza.type === 'unavailable') history = false;
      else if (history && !(isGroupchat(stanza) && isDelayed(stanza)))
        violations.push({
          invariant: 'G1',
          what: `${user.jid} got ${stanzaText(stanza)} between self-presence and subject`,
          at: i,
        });
    }
  }
  return { violations, exercised };
}

/** G2: whoever a message is shown as coming from has used that nick, and said it. */
export function integrity(input: CheckInput): Verdict {
  const violations: Violation[] = [];
  let exercised = 0;
  const nicks = new Map<Jid, Set<string>>();
  const said = new Set<string>();
  for (const [i, record] of input.trace.entries()) {
    if (record.kind === 'sent' && record.link === undefined) {
      const { stanza, by } = record;
      if (stanza.from !== by) continue;
      if (stanza.name === 'presence') nicks.set(by, (nicks.get(by) ?? new Set()).add(resourceOf(stanza.to)));
      const body = isGroupchat(stanza) ? bodyOf(stanza) : undefined;
      if (body !== undefined) said.add(`${by} ${body}`);
    } else if (record.kind === 'delivered') {
      const body = readBody(bodyOf(record.stanza));
      const author = body && input.users[body.user];
      if (!author || !isGroupchat(record.stanza) || !input.users.some(({ jid }) => jid === record.to)) continue;
      exercised++;
      const nick = resourceOf(record.stanza.from);
      if (!nicks.get(author.jid)?.has(nick) || !said.has(`${author.jid} ${bodyOf(record.stanza)}`))
        violations.push({ invariant: 'G2', what: `${bodyOf(record.stanza)} was shown as said by ${nick}`, at: i });
    }
  }
  return { violations, exercised };
}

/** Splits what a user saw into join sessions: from one answered join to the next, or to the leave. */
function sessions(input: CheckInput, user: { readonly jid: Jid; readonly room: Jid }): Seen[][] {
  const found: Seen[][] = [];
  let current: Seen[] | undefined;
  const joined = entries(input, user);
  for (const seen of seenBy(input, user)) {
    if (joined.has(seen.i)) {
      current = [];
      found.push(current);
    }
    current?.push(seen);
    if (
      isSelf(seen.stanza) &&
      seen.stanza.type === 'unavailable' &&
      !readMucUser(seen.stanza.payloads)?.statuses.includes(303)
    )
      current = undefined;
  }
  return found;
}

/** G3: what one user says arrives, live, in the order it was said. */
export function perSenderFifo(input: CheckInput): Verdict {
  const violations: Violation[] = [];
  let exercised = 0;
  for (const user of input.users) {
    for (const session of sessions(input, user)) {
      const last = new Map<number, number>();
      for (const { i, stanza } of session) {
        const body = isGroupchat(stanza) && !isDelayed(stanza) ? readBody(bodyOf(stanza)) : undefined;
        if (!body) continue;
        exercised++;
        if ((last.get(body.user) ?? 0) >= body.n)
          violations.push({ invariant: 'G3', what: `${user.jid} got ${bodyOf(stanza)} after a later one`, at: i });
        last.set(body.user, body.n);
      }
    }
  }
  return { violations, exercised };
}

/** G4: no identity twice in a join session, live and history together. */
export function noDuplicate(input: CheckInput): Verdict {
  const violations: Violation[] = [];
  let exercised = 0;
  for (const user of input.users) {
    for (const session of sessions(input, user)) {
      const held = new Set<string>();
      for (const { i, stanza } of session) {
        const body = isGroupchat(stanza) ? bodyOf(stanza) : undefined;
        if (body === undefined) continue;
        exercised++;
        if (held.has(body)) violations.push({ invariant: 'G4', what: `${user.jid} got ${body} twice`, at: i });
        held.add(body);
      }
    }
  }
  return { violations, exercised };
}

/** G5: one's own message comes back with the id it was sent with. */
export function ownReflection(input: CheckInput): Verdict {
  const violations: Violation[] = [];
  let exercised = 0;
  const ids = new Map<string, string | undefined>();
  for (const [i, record] of input.trace.entries()) {
    if (record.kind === 'sent' && record.stanza.from === record.by && isGroupchat(record.stanza))
      ids.set(`${record.by} ${bodyOf(record.stanza)}`, record.stanza.id);
    if (record.kind !== 'delivered' || !isGroupchat(record.stanza)) continue;
    const body = readBody(bodyOf(record.stanza));
    if (!body || input.users[body.user]?.jid !== record.to) continue;
    exercised++;
    if (ids.get(`${record.to} ${bodyOf(record.stanza)}`) !== record.stanza.id)
      violations.push({ invariant: 'G5', what: `${bodyOf(record.stanza)} came back with another id`, at: i });
  }
  return { violations, exercised };
}

/** G6: after the own unavailable nothing more of the room, until one asks to enter again. */
export function leave(input: CheckInput): Verdict {
  const violations: Violation[] = [];
  let exercised = 0;
  for (const user of input.users) {
    let out = false;
    // A join on its way is answered after the leave before it.
    let asked = false;
    for (const [i, record] of input.trace.entries()) {
      if (record.kind === 'session' && record.user === user.jid) out = asked = false;
      if (record.kind === 'sent' && record.by === user.jid && record.stanza.name === 'presence') {
        asked = record.stanza.type === undefined;
        if (asked) out = false;
      }
      if (record.kind !== 'delivered' || record.to !== user.jid || bareOf(record.stanza.from) !== user.room) continue;
      const { stanza } = record;
      // A private message goes its own way (XEP-0282 §1) and may still be under way.
      if (out && stanza.type !== 'error' && stanza.type !== 'chat' && stanza.name !== 'iq' && !isSelf(stanza))
        violations.push({ invariant: 'G6', what: `${user.jid} is out and got ${stanzaText(stanza)}`, at: i });
      if (isSelf(stanza) && stanza.type === 'unavailable' && !readMucUser(stanza.payloads)?.statuses.includes(303)) {
        out = !asked;
        exercised++;
      }
    }
  }
  return { violations, exercised };
}

/** G7: no byte to somebody who is no moderator names another user's real JID, where JIDs are for moderators. */
export function confidentiality(input: CheckInput): Verdict {
  const { world } = input;
  if (
    !world ||
    [...world.seats.values()].some(({ config }) =>
      (config.kind === 'replica' ? [config.room] : config.rooms).some((room) => room.whois === 'anyone'),
    )
  )
    return { violations: [], exercised: 0 };
  const violations: Violation[] = [];
  let exercised = 0;
  const moderators = new Set<Jid>();
  for (const [i, record] of input.trace.entries()) {
    if (record.kind !== 'delivered' || !input.users.some(({ jid }) => jid === record.to)) continue;
    const { stanza, to } = record;
    if (isSelf(stanza)) {
      if (readMucUser(stanza.payloads)?.role === 'moderator') moderators.add(to);
      else if (stanza.type === undefined) moderators.delete(to);
    }
    // Others' presences come before the own: who is about to learn that they are a moderator may see JIDs already.
    if (moderators.has(to) || world.users.get(to)?.half.state().phase !== 'joined') continue;
    exercised++;
    const text = stanzaText(stanza);
    for (const { jid } of input.users) {
      if (jid !== to && text.includes(jid) && !becomesModerator(input, to, i))
        violations.push({ invariant: 'G7', what: `${to} learns ${jid} from ${text}`, at: i });
    }
  }
  return { violations, exercised };
}

function becomesModerator({ trace }: CheckInput, user: Jid, from: number): boolean {
  for (let i = from; i < trace.length; i++) {
    const record = trace[i];
    if (record?.kind === 'delivered' && record.to === user && isEntry(record.stanza))
      return readMucUser(record.stanza.payloads)?.role === 'moderator';
  }
  return false;
}

const internal: ReadonlySet<string> = new Set([NS.dmuc1, NS.dmuc2, NS.fmuc, NS.ext]);

/** G8: no client ever gets an element that is between nodes. */
export function hygiene(input: CheckInput): Verdict {
  const violations: Violation[] = [];
  let exercised = 0;
  for (const [i, record] of input.trace.entries()) {
    if (record.kind !== 'delivered' || !input.users.some(({ jid }) => jid === record.to)) continue;
    exercised++;
    const x = record.stanza.payloads.filter(({ xmlns, name }) => xmlns === NS.mucUser && name === 'x');
    if (
      record.stanza.payloads.some(({ xmlns }) => internal.has(xmlns)) ||
      (record.stanza.name === 'presence' && x.length > 1)
    )
      violations.push({ invariant: 'G8', what: `${record.to} got ${stanzaText(record.stanza)}`, at: i });
  }
  return { violations, exercised };
}

/** G10, G11 at quiescence: every node has the same people, and every client sees whom its node has. */
export function rosters(input: CheckInput): Verdict {
  const { world } = input;
  if (!world) return { violations: [], exercised: 0 };
  const violations: Violation[] = [];
  let exercised = 0;
  const nodes = [...world.seats.values()].flatMap((seat) => seat.node.status().rooms.map((room) => ({ seat, room })));
  const people = nodes.map(({ room }) => room.occupants.map(({ nick }) => nick).sort());
  const alone = (room: (typeof nodes)[number]['room']) =>
    room.role === 'fmuc' && (room.occupants.length === 0 || room.peers.length === 0);
  const reference = nodes.findIndex(({ room }) => !alone(room));
  for (const [i, { seat, room }] of nodes.entries()) {
    exercised++;
    if (reference >= 0 && !alone(room) && JSON.stringify(people[i]) !== JSON.stringify(people[reference]))
      violations.push({
        invariant: 'G10',
        what: `${seat.config.address} has ${people[i]}, ${nodes[reference]?.seat.config.address} has ${people[reference]}`,
      });
  }
  for (const user of input.users) {
    const state = world.users.get(user.jid)?.half.state();
    if (state?.phase !== 'joined' || !world.users.get(user.jid)?.online) continue;
    const shown = new Set<string>();
    for (const [, record] of input.trace.entries()) {
      if (record.kind === 'session' && record.user === user.jid) shown.clear();
      if (
        record.kind !== 'delivered' ||
        record.to !== user.jid ||
        record.stanza.name !== 'presence' ||
        bareOf(record.stanza.from) !== user.room ||
        record.stanza.type === 'error'
      )
        continue;
      const nick = resourceOf(record.stanza.from);
      if (record.stanza.type === undefined) shown.add(nick);
      else {
        shown.delete(nick);
        if (isSelf(record.stanza) && !readMucUser(record.stanza.payloads)?.statuses.includes(303)) shown.clear();
      }
    }
    const node = nodes.find(
      ({ seat, room }) =>
        room.room === user.room &&
        room.occupants.some(({ jid, home }) => jid === user.jid && home === undefined) &&
        seat.up,
    );
    // Nobody can promise this to users whose only way to their node is a link that loses things.
    if (
      node === undefined
        ? !nodes.some(({ seat }) => seat.config.server === domainOf(user.jid))
        : node.seat.config.server !== domainOf(user.jid)
    )
      continue;
    exercised++;
    const there = node?.room.occupants.map(({ nick }) => nick).sort() ?? [];
    if (JSON.stringify([...shown].sort()) !== JSON.stringify(there))
      violations.push({ invariant: 'G11', what: `${user.jid} sees ${[...shown].sort()}, the room has ${there}` });
  }
  return { violations, exercised };
}

/** G14, and D-c for replicas: what was ever shown to anybody is kept where it was accepted; replicas keep the same. */
export function durability(input: CheckInput): Verdict {
  const { world } = input;
  if (!world) return { violations: [], exercised: 0 };
  const violations: Violation[] = [];
  let exercised = 0;
  const kept = new Map<Jid, Set<string>>();
  for (const seat of world.seats.values()) {
    for (const room of seat.node.snapshot().rooms) {
      if (seat.config.kind === 'service')
        kept.set(
          room.room,
          new Set(room.history.map(({ payloads }) => payloads.map(({ children }) => children.join('')).join(''))),
        );
    }
  }
  for (const [i, record] of input.trace.entries()) {
    if (record.kind !== 'delivered' || !isGroupchat(record.stanza) || isDelayed(record.stanza)) continue;
    const body = readBody(bodyOf(record.stanza));
    const author = body && input.users[body.user];
    if (!author || !input.users.some(({ jid }) => jid === record.to)) continue;
    exercised++;
    if (![...(kept.get(author.room) ?? [])].some((text) => text.startsWith(bodyOf(record.stanza) as string)))
      violations.push({ invariant: 'G14', what: `${bodyOf(record.stanza)} was shown and is not kept`, at: i });
  }
  return { violations, exercised };
}

/** All of them, by name. */
export const checkers: Readonly<Record<string, (input: CheckInput) => Verdict>> = {
  G1: orderOfJoin,
  G2: integrity,
  G3: perSenderFifo,
  G4: noDuplicate,
  G5: ownReflection,
  G6: leave,
  G7: confidentiality,
  G8: hygiene,
  'G10/G11': rosters,
  G14: durability,
};
