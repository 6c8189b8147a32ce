import type { RoomTurn } from '../room/room-turn.ts';
import { tooLarge } from '../room/size.ts';
import { stanzaError } from '../xmpp/errors.ts';
import { bareOf, type Jid } from '../xmpp/jid.ts';
import { NS, nodeNamespaces } from '../xmpp/namespaces.ts';
import { errorReply, type Stanza, withPayloads } from '../xmpp/stanza.ts';
import type { XmlElement } from '../xmpp/xml.ts';

const ofNodes: ReadonlySet<string> = new Set([...nodeNamespaces, NS.muc, NS.mucUser, NS.occupantId, NS.sid, NS.delay]);

/**
 * Decision #121: a stanza of another node that is too large to be passed on counts without what its user said. Its place
 * is kept, so that the two nodes stay in step. A node with our own limits sends none.
 */
export function withoutExcess(turn: RoomTurn, stanza: Stanza): Stanza {
  if (stanza.name === 'iq' || tooLarge(stanza) === undefined) return stanza;
  const said = stanza.payloads.filter((payload) => !ofNodes.has(payload.xmlns));
  const no = tooLarge(withPayloads(stanza, said));
  if (no === undefined) return stanza;
  turn.note('decision#121', `what ${stanza.from} says is left out: ${no.text}`, { peer: bareOf(stanza.from) });
  return withPayloads(
    stanza,
    stanza.payloads.filter((payload) => isNodes(payload) && tooLarge(withPayloads(stanza, [payload])) === undefined),
  );
}

/**
 * Decision #120: what a user of another node asks one of ours may be as large as what our own users ask.
 *
 * @returns whether it was refused
 */
export function refusesExcess(turn: RoomTurn, peer: Jid, question: Stanza): boolean {
  const no = tooLarge(question);
  if (no === undefined) return false;
  const error = stanzaError(no.type, no.condition, no.text, turn.room.jid);
  turn.send(errorReply(question, error), no.spec, peer);
  return true;
}

function isNodes({ name, xmlns }: XmlElement): boolean {
  return ofNodes.has(xmlns) || (name === 'error' && xmlns === NS.client);
}
