import { bareOf, type Jid } from '../core/xmpp/jid.ts';
import type { ModelEvent } from './fold/event.ts';
import { linkKey } from './fold/links.ts';
import type { Model } from './fold/model.ts';
import type { Thing, View } from './view.ts';

type Selected = Pick<View, 'event' | 'thing'>;

/** The node or person that the inspector shows: the selected one, else the one that the selected stanza is about. */
export function inspectedNode(model: Model, { event: id, thing }: Selected): Thing | undefined {
  if (thing && thing.kind !== 'link') return thing;
  const event = id === undefined ? undefined : model.events.get(id);
  if (!event) return undefined;
  // A stanza on a link is still its sender's.
  const address = event.leg === 'out' ? event.to : event.leg === 'link' ? senderOf(event) : event.from;
  const node = model.network.nodeOf(address);
  if (node) return { kind: 'node', id: node.address };
  const who = model.people.all().find(({ devices }) => devices.some(({ jid }) => jid === address));
  return who && { kind: 'occupant', id: who.jid };
}

/** The link that the inspector shows: the selected one, else the one that the selected stanza or change is on. */
export function inspectedLink(model: Model, { event: id, thing }: Selected): Thing | undefined {
  if (thing?.kind === 'link') return thing;
  const event = id === undefined ? undefined : model.events.get(id);
  const ends = event && linkOf(event);
  return ends && { kind: 'link', id: linkKey(...ends) };
}

/** So far back something is looked for: more is not what happened lately. */
const lookedAt = 3_000;

/** The stanzas that a thing has sent, received or carried lately, the last one first. */
export function lately(model: Model, thing: Thing, hidden: View['hidden'], most: number): readonly ModelEvent[] {
  const concerns = concerning(model, thing);
  const found: ModelEvent[] = [];
  const { list } = model.events;
  for (let i = list.length - 1; i >= Math.max(0, list.length - lookedAt) && found.length < most; i--) {
    const event = list[i] as ModelEvent;
    if (event.stanza && !hidden.has(event.stanza.name) && concerns(event)) found.push(event);
  }
  return found;
}

function concerning(model: Model, thing: Thing): (event: ModelEvent) => boolean {
  if (thing.kind === 'link') return (event) => isOn(event, (ends) => linkKey(...ends) === thing.id);
  if (thing.kind === 'server') return (event) => isOn(event, (ends) => ends.includes(thing.id));
  const who = thing.kind === 'occupant' ? model.people.all().find(({ jid }) => jid === thing.id) : undefined;
  const isOwn = (address: string) =>
    who ? who.devices.some(({ jid }) => jid === address) : model.network.nodeOf(address)?.address === thing.id;
  return ({ leg, from, to }) => (leg === 'in' && isOwn(from)) || (leg === 'out' && isOwn(to));
}

function isOn(event: ModelEvent, holds: (ends: readonly [string, string]) => boolean): boolean {
  const ends = linkOf(event);
  return ends !== undefined && holds(ends);
}

function linkOf({ leg, kind, server, from, to }: ModelEvent): readonly [string, string] | undefined {
  if (leg === 'link') return server ?? [from, to];
  return kind === 'link' ? server : undefined;
}

function senderOf({ stanza, from }: ModelEvent): string {
  return stanza ? bareOf(stanza.from as Jid) : from;
}
