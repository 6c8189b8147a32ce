/** XEP-0289 §5.1 `<reject/>` and §5.4 `<left/>`: the other node ends a link, or a join. */
import type { RoomTurn } from '../../room/room-turn.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import type { FromNode } from './from-node.ts';
import type { JoinedNode } from './joined-node.ts';
import type { JoiningNode } from './joining-node.ts';
import type { Links } from './links.ts';
import { placeOf } from './place.ts';

/** Only from the bare address of the room we joined (§5.1, §5.4), and about this link. */
export function takeEnd(
  turn: RoomTurn,
  links: Links,
  joining: ReadonlyMap<Jid, JoiningNode>,
  joined: JoinedNode,
  peer: Jid,
  { fmuc, loop }: FromNode & { kind: 'ended' },
  stanza: Stanza,
): void {
  if (loop && fmuc.kind === 'left' && stanza.from === peer && links.isInbound(turn.room, peer))
    return joined.detach(turn, peer);
  const side = joining.get(stanza.from);
  if (side === undefined || stanza.name !== 'presence')
    return turn.note('0289#5.4', `a forged ${fmuc.kind} from ${stanza.from}: ignored`, { peer });
  const session = placeOf(stanza)?.session;
  if (session !== undefined && session !== links.of(peer)?.session)
    return turn.note('decision#60', `a ${fmuc.kind} that is about an earlier join: ignored`, { peer });
  if (loop) side.standBy(turn, 'all are reached by another way');
  else if (fmuc.kind === 'left') side.left(turn);
  else side.rejected(turn, fmuc.text);
}
