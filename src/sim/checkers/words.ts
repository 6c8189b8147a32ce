import { type Jid, resourceOf } from '../../core/xmpp/jid.ts';
import { bodyOf } from '../../core/xmpp/stanza.ts';
import { bodyText, type Evidence, readBody, type View, whole } from '../evidence.ts';
import type { Verdict, Violation } from '../trace.ts';

/** Number of the author that a body names, be it an honest one (`#3:17`) or a forged one (`!3:17`). */
function authorOf(body: string): number | undefined {
  const match = /^[#!](\d+):\d+/.exec(body);
  return match ? Number(match[1]) : undefined;
}

/**
 * G2: whoever a message is shown as coming from has used that nick, and said it. What a hostile node's own users say is
 * that node's to invent (security.md 1.5).
 */
export function integrity({ trace, people, views }: Evidence): Verdict {
  const violations: Violation[] = [];
  let exercised = 0;
  const nicks = new Map<Jid, Set<string>>();
  const said = new Set<string>();
  const users = new Set(people.map(({ jid }) => jid));
  const shown = new Map<number, { readonly body: string; readonly nick: string }>();
  for (const { seen } of views)
    for (const { i, body, stanza } of seen)
      if (body !== undefined) shown.set(i, { body, nick: resourceOf(stanza.from) });
  for (const [i, record] of trace.entries()) {
    if (record.kind === 'in' && users.has(record.by)) {
      const { stanza, by } = record;
      if (stanza.name === 'presence') nicks.set(by, (nicks.get(by) ?? new Set()).add(resourceOf(stanza.to)));
      const body = stanza.type === 'groupchat' ? bodyOf(stanza) : undefined;
      if (body !== undefined) said.add(`${by} ${body}`);
      continue;
    }
    const message = shown.get(i);
    if (message === undefined) continue;
    const { body, nick } = message;
    const number = authorOf(body);
    const author = number === undefined ? undefined : people[number];
    exercised++;
    if (author?.hostile === 'node') continue;
    if (author === undefined || !nicks.get(author.jid)?.has(nick) || !said.has(`${author.jid} ${body}`))
      violations.push({ invariant: 'G2', what: `"${body.slice(0, 80)}" was shown as said by ${nick}`, at: i });
  }
  return { violations, exercised };
}

/** G5: an accepted message comes back to its sender once in a session, with the id it was sent with. */
export function ownReflection({ trace, views, byJid }: Evidence): Verdict {
  const violations: Violation[] = [];
  let exercised = 0;
  const ids = new Map<string, string | undefined>();
  for (const record of trace) {
    if (record.kind === 'in' && record.stanza.type === 'groupchat' && byJid.has(record.by))
      ids.set(`${record.by} ${bodyOf(record.stanza)}`, record.stanza.id);
  }
  for (const view of views) {
    for (const { i, body, stanza } of view.seen) {
      if (body === undefined || !readBody(body) || !ids.has(`${view.person.jid} ${body}`)) continue;
      exercised++;
      if (ids.get(`${view.person.jid} ${body}`) !== stanza.id)
        violations.push({ invariant: 'G5', what: `${body} came back with another id`, at: i });
    }
  }
  return { violations, exercised };
}

/** Numbers of the bodies that everybody says at the end, when all is well again; by round. */
export const lastWord = (round: number) => 1_000_000 * round;

/** Index at which the answer to the last join was sent. */
function lastEntry({ seen, entries }: View): number {
  return seen.findLast(({ i }) => entries.has(i))?.sent ?? 0;
}

/**
 * Liveness: the last word of everybody who believes to be in reaches everybody who believes to be in, once. Who may not
 * speak is told so.
 */
export function lastWords({ trace, views, people, world }: Evidence): Verdict {
  const violations: Violation[] = [];
  if (!world) return { violations, exercised: 0 };
  let exercised = 0;
  const inside = views.filter(({ person }) => {
    const user = world.users.get(person.jid);
    return user?.online && user.half.state().phase === 'joined';
  });
  // Who was not in when they spoke had no last word.
  const spoke = new Set<Jid>();
  const words = new Map(people.map(({ jid }, i) => [jid, bodyText(i, lastWord(2))]));
  for (const record of trace)
    if (record.kind === 'in' && record.stanza.type === 'groupchat' && bodyOf(record.stanza) === words.get(record.by))
      spoke.add(record.by);
  for (const author of inside) {
    const { jid } = author.person;
    const body = words.get(jid) as string;
    const own = author.seen.some((seen) => seen.body === body);
    if (!spoke.has(jid) || (!own && world.users.get(jid)?.half.state().error?.startsWith('forbidden'))) continue;
    for (const view of inside) {
      const since = lastEntry(view);
      if (!whole(view, since, trace.length) || !whole(author, lastEntry(author), trace.length)) continue;
      exercised++;
      const times = view.seen.filter((seen) => seen.body === body).length;
      if (times !== 1)
        violations.push({
          invariant: 'liveness',
          what: `${view.person.jid} got the last word of ${jid} ${times} times`,
        });
    }
  }
  return { violations, exercised };
}
