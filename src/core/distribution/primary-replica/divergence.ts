import type { Divergence } from '../../room/event.ts';
import type { RoomView } from '../../room/state.ts';
import { writeJoin } from '../../xep/xep0045.ts';
import { writeDmuc } from '../../xep/xep0282.ts';
import { type Jid, occupantJid } from '../../xmpp/jid.ts';
import { message, presence, type Stanza } from '../../xmpp/stanza.ts';

/**
 * What a user did while this replica was cut off, as the user's own stanza (XEP-0282 §4.8), marked with the replica's id
 * for it. Decision #42.
 *
 * @returns undefined for an entry that is none any more
 */
export function relayOf(room: RoomView, self: Jid, act: Divergence): Stanza | undefined {
  const mark = writeDmuc({ split: act.id });
  switch (act.kind) {
    case 'left':
      return presence(act.jid, occupantJid(room.jid, act.nick), { type: 'unavailable', id: act.request }, mark);
    case 'changed':
      return presence(act.jid, occupantJid(room.jid, act.nick), {}, ...act.presence, mark);
    case 'entered': {
      const occupant = room.occupantByJid(act.jid);
      if (!occupant?.provisional) return undefined;
      return presence(act.jid, occupantJid(room.jid, occupant.nick), {}, ...occupant.presence, writeJoin({}), mark);
    }
    case 'said': {
      const { item } = act;
      const dmuc = writeDmuc({ split: act.id, delay: { from: self, stamp: item.at } });
      const parts = { type: 'groupchat', id: item.stanzaId, lang: item.lang };
      return message(act.jid, room.jid, parts, ...item.payloads, dmuc);
    }
  }
}
