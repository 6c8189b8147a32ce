import { bareOf, domainOf, type Jid } from '../../core/xmpp/jid.ts';
import type { Check, StanzaPattern } from '../../lessons/lesson.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { LabAct } from '../../sim/lab.ts';
import type { ComparedMessage } from '../comparison.ts';
import type { MessageCost } from '../fold/costs.ts';
import type { ModelEvent } from '../fold/event.ts';
import { linkKey } from '../fold/links.ts';
import type { Model } from '../fold/model.ts';
import { stateOf } from '../words.ts';
import { isAct } from './asked.ts';

/** What came of a step so far. */
export interface Outcome {
  readonly model: Model;
  readonly scenario: Scenario;
  /** Events from this place on count, as `events.mark()` gives it. */
  readonly since: number;
  /** What was done since then. */
  readonly deeds: readonly LabAct[];
  /** The last message of both runs, if the run is compared with another protocol. */
  readonly compared?: ComparedMessage | undefined;
}

/** Whether a run is as a check wants it. */
export function comesOut(check: Check, of: Outcome): boolean {
  if ('crossed' in check || 'deliveries' in check)
    return counted(check, of) === ('crossed' in check ? check.crossed : check.deliveries);
  if ('compared' in check) return counted(check, of) === check.compared && of.compared?.same === true;
  if ('stanzas' in check) {
    const count = counted(check, of) ?? 0;
    return typeof check.count === 'number' ? count === check.count : count >= check.count.atLeast;
  }
  if ('order' in check) return areInOrder(check.order, of);
  if ('node' in check) {
    const node = of.model.network.nodeOf(check.node);
    return node !== undefined && stateOf(of.model, node).word === check.state;
  }
  if ('link' in check) return (of.model.network.linkBetween(...check.link)?.state === 'up') === (check.state === 'up');
  if ('person' in check) return isIn(of.model, check.person) === (check.phase === 'joined');
  if ('transcripts' in check) return sameness(check.of.map((who) => readBy(who, of))) === check.transcripts;
  if ('rosters' in check) return sameness(check.of.map((node) => rosterOf(of.model, node))) === 'same';
  if ('refused' in check) {
    const refusal = of.model.refusals.of([check.refused]);
    if (refusal === undefined || !of.model.events.isSince(refusal.event, of.since)) return false;
    return check.condition === undefined || (refusal.condition ?? refusal.removal) === check.condition;
  }
  return of.deeds.some((deed) => isAct(check.did, deed, of.scenario));
}

/** What a check counts, so far; undefined if it counts nothing, or there is nothing yet to count for. */
export function counted(check: Check, of: Outcome): number | undefined {
  const { model } = of;
  if ('stanzas' in check) return eventsOf(of).filter((event) => fits(model, check.stanzas, event)).length;
  if ('crossed' in check && check.of === 'all')
    return eventsOf(of).filter((event) => fits(model, check.link ? { link: check.link } : {}, event)).length;
  const message = lastMessage(of);
  if (message === undefined) return undefined;
  if ('deliveries' in check) return message.recipients.length;
  if ('compared' in check) return of.compared?.there?.crossed;
  if (!('crossed' in check)) return undefined;
  const { link } = check;
  if (link === undefined) return message.crossed;
  const family = [...model.events.family(message.id)].flatMap((id) => model.events.get(id) ?? []);
  return family.filter((event) => event.stanza?.name === 'message' && fits(model, { link }, event)).length;
}

/** The last message that somebody said since the step began. */
export function lastMessage({ model, since }: Outcome): MessageCost | undefined {
  return model.costs.messages.findLast(({ id }) => model.events.isSince(id, since));
}

function eventsOf({ model, since }: Outcome): readonly ModelEvent[] {
  return model.events.list.filter(({ id }) => model.events.isSince(id, since));
}

const legs = { link: 'link', person: 'out', sent: 'in' } as const;

function fits(model: Model, pattern: StanzaPattern, { leg, server, from, to, outcome, stanza }: ModelEvent): boolean {
  const { on = 'link', link, name, type, has, xml, lost } = pattern;
  if (stanza === undefined || leg !== legs[on] || (outcome !== undefined) !== (lost === true)) return false;
  if (leg !== 'link' && model.network.isNode(leg === 'out' ? to : from)) return false;
  if (link !== undefined && linkKey(...link) !== linkKey(...(server ?? ([from, to] as const)))) return false;
  if (name !== undefined && stanza.name !== name) return false;
  if (type !== undefined && (stanza.type ?? '') !== type) return false;
  if (!isOf(stanza.from, pattern.from) || !isOf(stanza.to, pattern.to)) return false;
  // Text has no `<` in XML, so this is an element.
  if (has !== undefined && !new RegExp(`<${has.replace(/[^\w-]/g, '')}[\\s/>]`).test(stanza.xml)) return false;
  return xml === undefined || stanza.xml.includes(xml);
}

/** Whether an address is another one, or belongs to it. */
function isOf(address: string, wanted: string | undefined): boolean {
  if (wanted === undefined || address === wanted) return true;
  return bareOf(address as Jid) === wanted || domainOf(address as Jid) === wanted;
}

function areInOrder(order: readonly StanzaPattern[], of: Outcome): boolean {
  let next = 0;
  for (const event of eventsOf(of)) {
    const pattern = order[next];
    if (pattern !== undefined && fits(of.model, pattern, event)) next++;
  }
  return next === order.length;
}

function isIn(model: Model, who: string): boolean {
  return model.people.all().some(({ devices }) => devices.some(({ jid, phase }) => jid === who && phase === 'joined'));
}

/** From the beginning of the run: what was missed may have come later. */
function readBy(who: string, { model }: Outcome): readonly string[] {
  const lines = model.transcripts.lines.get(who) ?? [];
  return lines.filter(({ kind }) => kind === 'message').map(({ nick, text }) => `${nick}: ${text}`);
}

function rosterOf(model: Model, address: string): readonly string[] {
  const node = model.network.nodeOf(address);
  return (node ? model.network.roomsOf(node) : []).flatMap(({ occupants }) => occupants.map(({ nick }) => nick)).sort();
}

/** Of several lists whether all are the same, or the same in another order. */
function sameness(lists: readonly (readonly string[])[]): 'same' | 'order' | 'differ' {
  const isOne = (texts: readonly string[]) => new Set(texts).size <= 1;
  if (isOne(lists.map((list) => JSON.stringify(list)))) return 'same';
  return isOne(lists.map((list) => JSON.stringify([...list].sort()))) ? 'order' : 'differ';
}
