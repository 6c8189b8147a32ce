/**
 * Stanzas as long as those that a network sends, written by the core's own codecs: so no size is typed in. What all designs
 * have of XEP-0045 is here; what a design adds stands with it.
 */
import { type MucUser, writeJoin, writeMucUser } from '../core/xep/xep0045.ts';
import { writeDelay } from '../core/xep/xep0203.ts';
import { writeStanzaId } from '../core/xep/xep0359.ts';
import { writeOccupantId } from '../core/xep/xep0421.ts';
import { type Jid, occupantJid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { message, presence, type Stanza } from '../core/xmpp/stanza.ts';
import { instant } from '../core/xmpp/time.ts';
import { el, type XmlElement } from '../core/xmpp/xml.ts';
import { Names, textOf } from './names.ts';
import type { Network } from './network.ts';

/** As long as most ids that nodes and clients make: 64 random bits to the base of 36. */
export const id = '1aqru3x5e4xzk';
/** A time, and an epoch, which begins with one. */
export const epoch = 1_767_225_600_000;
export const at = instant(epoch);

/** The parts of which the stanzas of a network are made. */
export class Samples {
  readonly user: Jid;
  /** The room, or a node of it; all have addresses of one length. */
  readonly room: Jid;
  readonly occupant: Jid;
  readonly replica: Jid;
  readonly service: Jid;
  readonly nick: string;
  readonly body: XmlElement;
  readonly occupantId: readonly XmlElement[] = writeOccupantId(id);
  readonly stanzaId: XmlElement;

  constructor(network: Network) {
    const names = new Names(network);
    this.user = names.user(0, 0);
    this.room = names.room(0);
    this.nick = names.nick(0);
    this.occupant = occupantJid(this.room, this.nick);
    this.replica = names.replica(0);
    this.service = names.service(0);
    this.body = el('body', NS.client, {}, textOf(network.bodyBytes));
    this.stanzaId = writeStanzaId({ by: this.room, id });
  }

  /** `<x/>` of muc#user about a participant. */
  about(parts: Partial<MucUser> = {}): XmlElement {
    return writeMucUser({ affiliation: 'none', role: 'participant', statuses: [], ...parts });
  }

  // ---- from a user to the room ----

  /** §7.2.1: to enter. */
  enters(): Stanza {
    return presence(this.user, this.occupant, { id }, writeJoin({}));
  }

  /** §7.14. */
  leaves(): Stanza {
    return presence(this.user, this.occupant, { id, type: 'unavailable' });
  }

  /** §7.6: another nick. */
  renames(): Stanza {
    return presence(this.user, this.occupant, { id });
  }

  /** §7.4. */
  says(): Stanza {
    return message(this.user, this.room, { id, type: 'groupchat' }, this.body);
  }

  // ---- from the room to a user ----

  /** §7.2.2: somebody is in. @param self  whether it is the user who is told, with status 110 */
  shown(self = false): Stanza {
    return this.#presence({}, self ? id : undefined, self ? [110] : []);
  }

  /** §7.14: somebody is out. */
  gone(self = false): Stanza {
    return this.#presence({ role: 'none' }, self ? id : undefined, self ? [110] : [], 'unavailable');
  }

  /** §7.6: the first half of a change of nick; the second is `shown`. */
  renamed(self = false): Stanza {
    return this.#presence({ nick: this.nick }, undefined, self ? [303, 110] : [303], 'unavailable');
  }

  /** §7.4: a message. @param past  §7.2.13: of the history */
  copy(past = false): Stanza {
    const delay = past ? [writeDelay({ from: this.room, stamp: at })] : [];
    const rest = { id, type: 'groupchat' };
    return message(this.occupant, this.user, rest, this.body, ...this.occupantId, this.stanzaId, ...delay);
  }

  /** §7.2.15: the subject, which is empty. */
  subject(): Stanza {
    return message(this.room, this.user, { type: 'groupchat' }, el('subject', NS.client));
  }

  #presence(about: Partial<MucUser>, given: string | undefined, statuses: readonly number[], type?: string): Stanza {
    const parts = [...this.occupantId, this.about({ ...about, statuses })];
    return presence(this.occupant, this.user, { id: given, type }, ...parts);
  }
}
