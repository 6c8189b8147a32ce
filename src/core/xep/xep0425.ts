/** XEP-0425: Moderated Message Retraction, version 0.3.0. */
import { type Jid, occupantJid, parseJid, resourceOf } from '../xmpp/jid.ts';
import { payloadIn } from '../xmpp/stanza.ts';
import { childOf, el, textOf, type XmlElement } from '../xmpp/xml.ts';
import { writeOccupantId } from './xep0421.ts';
import { retractNs } from './xep0424.ts';

export const moderateNs = 'urn:xmpp:message-moderate:1';

/** What a moderator asks of the room (§3). */
export interface ModerationRequest {
  /** That the room gave the message; undefined: it is missing. */
  readonly id: string | undefined;
  /** Whether it asks for a retraction. There is nothing else yet that it could ask for. */
  readonly retract: boolean;
  readonly reason: string | undefined;
}

export function readModerate(moderate: XmlElement): ModerationRequest {
  const { id } = moderate.attrs;
  const reason = childOf(moderate, 'reason', moderateNs);
  const retract = childOf(moderate, 'retract', retractNs) !== undefined;
  return { id: id === '' ? undefined : id, retract, reason: reason && textOf(reason) };
}

/** A retraction in the room's own name (§3.1). */
export interface Moderation {
  readonly id: string;
  /** Who did it; undefined: the room does not say. */
  readonly moderator: { readonly nick: string; readonly occupantId: string } | undefined;
  readonly reason: string | undefined;
}

export function readModeration(payloads: readonly XmlElement[]): Moderation | undefined {
  const retract = payloadIn(payloads, 'retract', retractNs);
  const moderated = retract && childOf(retract, 'moderated', moderateNs);
  const id = retract?.attrs['id'];
  if (retract === undefined || moderated === undefined || !id) return undefined;
  const by = parseJid(moderated.attrs['by'] ?? '');
  const nick = by === undefined ? '' : resourceOf(by);
  const reason = childOf(retract, 'reason', retractNs);
  const moderator = nick === '' ? undefined : { nick, occupantId: '' };
  return { id, moderator, reason: reason && textOf(reason) };
}

export function writeModeration(room: Jid, { id, moderator, reason }: Moderation): XmlElement {
  const by = moderator && occupantJid(room, moderator.nick);
  const moderated = el('moderated', moderateNs, { by }, ...writeOccupantId(moderator?.occupantId ?? ''));
  const why = reason === undefined ? [] : [el('reason', retractNs, {}, reason)];
  return el('retract', retractNs, { id }, moderated, ...why);
}
