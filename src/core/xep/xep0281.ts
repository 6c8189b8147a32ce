/**
 * XEP-0281: DMUC1: Distributed Multi-User Chat, version 0.2: what services and instances of a room tell each other by iq. Beside
 * the XEP's own elements these have parts of our extension, for what the examples leave out: the addresses of instances.
 */
import { type Jid, parseJid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { payloadOf, type Stanza } from '../xmpp/stanza.ts';
import { childOf, childrenOf, el, element, elementsOf, textOf, type XmlElement } from '../xmpp/xml.ts';
import { type Part, readPart, writePart } from './instances.ts';
import {
  type Affiliation,
  affiliations,
  type HistoryRequest,
  type Role,
  readHistory,
  roles,
  writeHistory,
} from './xep0045.ts';
import { writeOccupantId } from './xep0421.ts';

/** §3.2: `<room id/>` of `<replicate/>` and `<peerhost/>`. */
export interface NamedRoom {
  /** The local part of all shadows. */
  readonly id: string;
  /** The instance that is meant: the source, or the new shadow. Decision #200: a node that says none means the obvious one. */
  readonly instance: Jid | undefined;
  /** It is no instance any more. */
  readonly stops: boolean;
  /** Why, as a `<destroy/>` that users are shown (XEP-0045 §10.9). */
  readonly destroy: XmlElement | undefined;
}

export type ServiceOrder = { readonly kind: 'replicate' | 'peerhost' } & NamedRoom;

/** An order from service to service; undefined: it is none. `id` is empty where none is given. */
export function readServiceOrder(stanza: Stanza): ServiceOrder | undefined {
  if (stanza.name !== 'iq' || stanza.type !== 'set') return undefined;
  for (const kind of ['replicate', 'peerhost'] as const) {
    const order = payloadOf(stanza, kind, NS.dmuc1);
    if (order === undefined) continue;
    const room = childOf(order, 'room', NS.dmuc1);
    const instance = room && childOf(room, 'instance', NS.ext);
    const stop = room && childOf(room, 'stop', NS.ext);
    return {
      kind,
      id: room?.attrs['id'] ?? '',
      instance: parseJid(instance?.attrs['jid'] ?? ''),
      stops: stop !== undefined,
      destroy: stop && childOf(stop, 'destroy', NS.mucUser),
    };
  }
  return undefined;
}

export function writeServiceOrder(
  kind: ServiceOrder['kind'],
  { id, instance, stops = false, destroy }: { readonly id: string } & Partial<NamedRoom>,
): XmlElement {
  const parts = [
    ...(instance === undefined ? [] : [el('instance', NS.ext, { jid: instance })]),
    ...(stops ? [el('stop', NS.ext, {}, ...(destroy === undefined ? [] : [destroy]))] : []),
  ];
  return el(kind, NS.dmuc1, {}, el('room', NS.dmuc1, { id }, ...parts));
}

/** §3.2 Example 5. @param form  of the configuration @param more  what the form does not say */
export function writeConfig(form: XmlElement, ...more: readonly XmlElement[]): XmlElement {
  return el('config', NS.dmuc1, {}, form, ...more);
}

export function readConfig(stanza: Stanza): XmlElement | undefined {
  return payloadOf(stanza, 'config', NS.dmuc1);
}

/** §3.2 Example 7: one user of the instance that sends it. */
export interface RosterItem {
  readonly affiliation: Affiliation;
  readonly jid: Jid | undefined;
  readonly name: string;
  /** Of our extension from here on; without them a user is as users are by default. */
  readonly role: Role | undefined;
  readonly occupantId: string;
  readonly presence: readonly XmlElement[];
}

/** @param part  which part of the roster it is; absent: all of it */
export function writeRoster(items: readonly RosterItem[], part: Part = { n: 1, of: 1 }): XmlElement {
  const written = items.map(({ affiliation, jid, name, role, occupantId, presence }) => {
    const parts = [...presence, ...writeOccupantId(occupantId)];
    const shown = role === undefined ? [] : [el('shown', NS.ext, { role }, ...parts)];
    return el('item', NS.dmuc1, { affiliation, jid, name }, ...shown);
  });
  return element('roster', NS.dmuc1, {}, [...written, ...writePart(part)]);
}

export function readRoster(
  stanza: Stanza,
): { readonly items: readonly RosterItem[]; readonly part: Part | undefined } | undefined {
  const roster = payloadOf(stanza, 'roster', NS.dmuc1);
  if (roster === undefined) return undefined;
  const items = childrenOf(roster, 'item', NS.dmuc1).map((item): RosterItem => {
    const shown = childOf(item, 'shown', NS.ext);
    const parts = shown === undefined ? [] : elementsOf(shown);
    return {
      affiliation: affiliations.find((known) => known === item.attrs['affiliation']) ?? 'none',
      jid: parseJid(item.attrs['jid'] ?? ''),
      name: item.attrs['name'] ?? '',
      role: roles.find((known) => known === shown?.attrs['role']),
      occupantId: parts.find(({ xmlns }) => xmlns === NS.occupantId)?.attrs['id'] ?? '',
      presence: parts.filter(({ xmlns }) => xmlns !== NS.occupantId),
    };
  });
  return { items, part: readPart(roster) };
}

/** §3.2 Example 9, from a shadow to the instance that it asks. @param more  how far it has come */
export function writeHistoryRequest(id: string, history: HistoryRequest, ...more: readonly XmlElement[]): XmlElement {
  return el('room', NS.dmuc1, { id }, writeHistory(history, NS.muc), ...more);
}

/** @returns the request, and the element in which the rest of it is */
export function readHistoryRequest(
  stanza: Stanza,
): { readonly history: HistoryRequest; readonly room: XmlElement } | undefined {
  const room = payloadOf(stanza, 'room', NS.dmuc1);
  const history = room && readHistory(childOf(room, 'history', NS.muc));
  return room && history && { history, room };
}

/** §3.2 Example 10, well-formed. */
export function writeHistoryResult(messages: readonly XmlElement[], ...more: readonly XmlElement[]): XmlElement {
  return element('history', NS.muc, {}, [...messages, ...more]);
}

export function readHistoryResult(stanza: Stanza): XmlElement | undefined {
  return payloadOf(stanza, 'history', NS.muc);
}

/** What a service says of rooms that it may replicate (§4): its feature. */
export const dmucFeature = NS.dmuc1;

/** §3.3: the field of a shadow's extended information, and ours of a source's: its shadows. */
export const sourceField = 'dmuc-source';
export const shadowsField = `{${NS.ext}}dmuc_shadows`;

/** The source that a shadow names, or the shadows that a source names, in an answer to disco#info. */
export function readInstances(payload: XmlElement, field: string): readonly Jid[] {
  const form = childOf(payload, 'x', NS.dataForms);
  const found = form && childrenOf(form, 'field', NS.dataForms).find(({ attrs }) => attrs['var'] === field);
  const values = found === undefined ? [] : childrenOf(found, 'value', NS.dataForms);
  return values.flatMap((value) => parseJid(textOf(value)) ?? []);
}
