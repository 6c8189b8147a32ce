/** XEP-0289 §5.1 Example 4: what a joined node answers, until its subject ends it (decision #22). */
import type { RoomTurn } from '../../room/room-turn.ts';
import { subjectChange } from '../../xep/xep0045.ts';
import { type Jid, resourceOf } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import type { PhaseOf } from './phase.ts';
import { passedBy } from './place.ts';
import { isModeration, itemOf, moderationOf, occupantOf, readSubject, saidAt } from './reading.ts';

/**
 * Takes one stanza of the answer: occupants, messages, and at last the subject, which may name no author.
 *
 * @returns `end`: it was the last; `no node`: no FMUC node answers like this (decision #180)
 */
export function readAnswer(
  turn: RoomTurn,
  now: PhaseOf<'asking'>,
  author: Jid | undefined,
  stanza: Stanza,
): 'end' | 'no node' | undefined {
  const { room, env } = turn;
  const { answer } = now;
  const { peer } = now.link;
  const nick = resourceOf(stanza.from);
  const isPresence = stanza.name === 'presence' && stanza.type === undefined;
  if (author === undefined && nick !== '' && isPresence) return 'no node';
  if (stanza.name === 'message' && stanza.type === 'groupchat' && subjectChange(stanza) !== undefined) {
    const setter = author === undefined ? undefined : answer.knownOccupantId(room, author);
    answer.setSubject(readSubject(turn, setter, stanza));
    return 'end';
  }
  const word = isModeration(stanza) ? moderationOf(turn, stanza) : undefined;
  if (word) answer.addMessage(word);
  if (author === undefined || nick === '') return undefined;
  if (isPresence) {
    now.heard = env.now;
    const passed = passedBy(stanza, peer);
    // A user of ours, or of a node behind us, who came round.
    if (passed.includes(room.jid)) return undefined;
    now.ways.set(author, passed);
    const occupant = occupantOf(room.jid, author, answer.occupantIdOf(room, author, env), stanza);
    // The user in whose name we joined comes back in the answer.
    if (author !== now.announced.jid) answer.addOccupant(occupant);
  } else if (stanza.name === 'message' && stanza.type === 'groupchat') {
    now.heard = env.now;
    const occupantId = answer.occupantIdOf(room, author, env);
    answer.addMessage(itemOf(turn, { nick, jid: author, occupantId }, stanza, saidAt(env.now, stanza)));
  }
  return undefined;
}
