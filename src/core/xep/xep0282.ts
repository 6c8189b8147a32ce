/** XEP-0282: DMUC2: Distributed MUC, version 0.1.1: the `<x xmlns='urn:xmpp:tmp:dmuc:0'/>` between primary and replica. */
import { type Jid, parseJid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { payloadIn } from '../xmpp/stanza.ts';
import { childOf, el, element, type XmlElement } from '../xmpp/xml.ts';
import { type Position, readPosition, writePosition } from './sync.ts';
import { type HistoryRequest, readHistory, writeHistory } from './xep0045.ts';
import { type Delay, readDelay, writeDelay } from './xep0203.ts';
import { readOriginId, writeOriginId } from './xep0359.ts';

export interface Dmuc {
  /** §4.5: add this full JID to the distribution list. */
  readonly enter?: Jid | undefined;
  /** §4.6: remove it. */
  readonly leave?: Jid | undefined;
  /** §4.5, beside enter: how much history the user asked for. */
  readonly history?: HistoryRequest | undefined;
  /** Our extension, in a full roster: the primary itself serves this user of a served domain (decision #8). */
  readonly direct?: Jid | undefined;
  /** Our extension: the replica's id of what happened there during a split (§4.11.2, decision #42). */
  readonly split?: string | undefined;
  /** §4.9: when the primary accepted the message. */
  readonly delay?: Delay | undefined;
  /** XEP-0359, §4.9: the id that its author gave the message, if any. */
  readonly origin?: string | undefined;
  /** Our extension: the position of this broadcast in the primary's sequence (decision #1). */
  readonly position?: Position | undefined;
}

export function readDmuc(payloads: readonly XmlElement[]): Dmuc | undefined {
  const x = payloadIn(payloads, 'x', NS.dmuc2);
  if (!x) return undefined;
  const split = childOf(x, 'split', NS.ext)?.attrs['id'];
  // All of them, there or not: nodes read this of every stanza, and one shape is quick.
  return {
    enter: jidOf(childOf(x, 'enter', NS.dmuc2)),
    leave: jidOf(childOf(x, 'leave', NS.dmuc2)),
    direct: jidOf(childOf(x, 'direct', NS.ext)),
    split: split && split.length <= 128 ? split : undefined,
    history: readHistory(childOf(x, 'history', NS.dmuc2)),
    delay: readDelay(childOf(x, 'delay', NS.delay)),
    origin: readOriginId(x),
    position: readPosition(childOf(x, 's', NS.ext)),
  };
}

function jidOf(element: XmlElement | undefined): Jid | undefined {
  return element && parseJid(element.attrs['jid'] ?? '');
}

export function writeDmuc(dmuc: Dmuc): XmlElement {
  const children: XmlElement[] = [];
  if (dmuc.enter) children.push(element('enter', NS.dmuc2, { jid: dmuc.enter }));
  if (dmuc.leave) children.push(el('leave', NS.dmuc2, { jid: dmuc.leave }));
  if (dmuc.direct) children.push(el('direct', NS.ext, { jid: dmuc.direct }));
  if (dmuc.split) children.push(el('split', NS.ext, { id: dmuc.split }));
  if (dmuc.history) children.push(writeHistory(dmuc.history, NS.dmuc2));
  if (dmuc.delay) children.push(writeDelay(dmuc.delay));
  children.push(...writeOriginId(dmuc.origin));
  if (dmuc.position) children.push(writePosition(dmuc.position));
  return element('x', NS.dmuc2, {}, children);
}
