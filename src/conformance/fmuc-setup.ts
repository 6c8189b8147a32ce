import { readJoin } from '../core/xep/xep0045.ts';
import { readFmuc } from '../core/xep/xep0289.ts';
import { bareOf, type Jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { message, presence, type Stanza } from '../core/xmpp/stanza.ts';
import { el } from '../core/xmpp/xml.ts';
import { FmucLink } from './fmuc-link.ts';
import {
  all,
  available,
  either,
  errorWith,
  from,
  fromRoom,
  groupchat,
  type Like,
  like,
  says,
  status,
  subjectIs,
  to,
} from './like.ts';
import { NotOffered, type Script } from './script.ts';
import type { Exchanged } from './setting.ts';
import type { Stage } from './stage.ts';

/** A user of the room under test and one of ours, in the linked rooms. */
export interface Pair {
  readonly link: FmucLink;
  /** Theirs, who is in the peer's room. */
  readonly alice: Jid;
  /** Ours. */
  readonly hamlet: Jid;
}

/** Alice is in the peer's room, and our node has joined it in Hamlet's name. */
export function* joined(stage: Stage): Script<Pair> {
  const [alice, hamlet] = [stage.theirs('Alice'), stage.ours('Hamlet')];
  yield* stage.enters(alice, stage.at(stage.peer, 'Alice'));
  const link = new FmucLink(stage);
  yield* link.joins(hamlet, stage.nick('Hamlet'));
  yield* stage.expect(all(available, from(stage.at(stage.peer, 'Hamlet')), to(alice)));
  return { link, alice, hamlet };
}

/** Somebody enters the peer's room, which asks to join ours: its request. */
export function* asked(stage: Stage, user: Jid, name: string, withinMs?: number): Script<Stanza> {
  yield* stage.asksIn(user, stage.at(stage.peer, name));
  return yield* stage.expectWithin(
    withinMs ?? stage.setting.timeoutMs,
    like(
      `the join of the room under test, from ${stage.at(stage.peer, name)} to ${stage.node}`,
      (stanza) =>
        all(available, from(stage.at(stage.peer, name))).fits(stanza) &&
        stanza.to.startsWith(stage.node) &&
        stanza.payloads.some(({ xmlns, name: element }) => xmlns === NS.fmuc && element === 'fmuc'),
    ),
  );
}

/** Hamlet has entered the peer's room, which has joined ours, where Alice is. */
export function* joining(stage: Stage): Script<{ readonly link: FmucLink; readonly hamlet: Jid; readonly alice: Jid }> {
  const [alice, hamlet] = [stage.ours('Alice'), stage.theirs('Hamlet')];
  const link = yield* accepted(stage, yield* asked(stage, hamlet, 'Hamlet'), alice, hamlet);
  yield* stage.isIn(hamlet, stage.at(stage.peer, 'Hamlet'));
  return { link, hamlet, alice };
}

/** Answers a request with one occupant, perhaps some history, and a subject. */
export function* accepted(
  stage: Stage,
  request: Stanza,
  alice: Jid,
  hamlet: Jid,
  past: (link: FmucLink) => readonly Stanza[] = () => [],
): Script<FmucLink> {
  const link = links.get(stage) ?? FmucLink.of(stage, request);
  const owner = { affiliation: 'owner', role: 'moderator' } as const;
  yield* stage.send(
    link.presence(alice, stage.nick('Alice'), owner),
    // The user in whose name it asked: XEP-0289 §5.1 Example 4.
    link.presence(hamlet, stage.nick('Hamlet')),
    ...past(link),
    link.message(alice, stage.nick('Alice'), el('subject', NS.client, {}, 'conformance')),
  );
  return link;
}

/** A user says something in the peer's room, and everybody there has it: what comes of that is a check's own matter. */
export function* saysThere(stage: Stage, user: Jid, name: string, text: string): Script {
  yield* stage.says(user, stage.peer, text);
  yield* stage.expect(all(groupchat, from(stage.at(stage.peer, name)), to(user), says(text)));
}

/** A user changes the subject of the peer's room. @throws NotOffered if the room does not let them */
export function* changesSubject(stage: Stage, user: Jid, text: string): Script {
  yield* stage.send(
    message(user, stage.peer, { type: 'groupchat', id: stage.newId() }, el('subject', NS.client, {}, text)),
  );
  const changed = all(groupchat, fromRoom(stage.peer), to(user), subjectIs(text));
  const refused = all(errorWith(), to(user));
  const answer = yield* stage.expect(either(`the subject “${text}” for ${user}`, changed, refused));
  if (answer.type === 'error') throw new NotOffered(`${user} may not change the subject`);
}

export function away(stage: Stage, user: Jid, name: string, text: string): Stanza {
  const payloads = [el('show', NS.client, {}, 'away'), el('status', NS.client, {}, text)];
  return presence(user, stage.at(stage.peer, name), {}, ...payloads);
}

/** What nodes tell each other of users. */
export function nodeStanzas(stage: Stage, exchanged: readonly Exchanged[]): readonly Stanza[] {
  const isTold: Like = like('', ({ name, type }) => name !== 'iq' && type !== 'error');
  return exchanged
    .filter(({ sent, stanza }) => !sent && isTold.fits(stanza) && stanza.to.startsWith(`${stage.setting.node}@`))
    .map(({ stanza }) => stanza);
}

/** By run: our end of the link that the last request of the peer has made. */
const links = new WeakMap<Stage, FmucLink>();

/**
 * Our room as a joined node: it says <left/> when the last user of the peer has left (XEP-0289 §5.4), and as a primary it sends
 * presence back (§8).
 */
export function joinedRoom(stage: Stage): (stanza: Stanza) => readonly Stanza[] {
  const users = new Set<Jid>();
  return (stanza) => {
    const fmuc = stanza.name === 'presence' && bareOf(stanza.to) === stage.node ? readFmuc(stanza.payloads) : undefined;
    if (fmuc?.kind !== 'from' || stanza.type === 'error') return [];
    if (stanza.type === undefined) {
      if (readJoin(stanza.payloads)) {
        links.set(stage, FmucLink.of(stage, stanza));
        users.clear();
      }
      users.add(fmuc.from);
      const link = links.get(stage);
      const waits = stage.setting.mode === 'primary-replica' && !readJoin(stanza.payloads);
      return waits && link ? [link.echo(stanza, fmuc.from)] : [];
    }
    if (status(303).fits(stanza)) return [];
    users.delete(fmuc.from);
    return users.size === 0 ? [(links.get(stage) ?? new FmucLink(stage)).word('left')] : [];
  };
}
