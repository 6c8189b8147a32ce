import type { Sign } from '../core/turn/spec.ts';
import type { ModelEvent } from './fold/event.ts';
import { type Line, leadOf } from './fold/lines.ts';
import type { Model } from './fold/model.ts';
import { specEntry } from './spec-index.ts';
import type { View } from './view.ts';
import { lineInWords, shortName } from './words.ts';

/** A row of the log: a line, or below an open line one of the events in it. */
export interface Row {
  readonly event: ModelEvent;
  readonly line: Line;
  readonly level: 1 | 2;
  /** Whether the events in it are shown; undefined where there are none. */
  readonly isOpen: boolean | undefined;
}

export const signs: Readonly<Record<Sign, string>> = {
  bounce: 'split',
  silence: 'split',
  unanswered: 'split',
  gap: 'gap',
  unlinked: 'split',
  restart: 'split',
  refused: 'refused',
  netjoin: 'netjoin',
  judged: 'netjoin',
};

/**
 * The rows that the log shows. A line is open if somebody opened it, if an event in it is chosen, or if the filter finds its words
 * in there and not in the line itself.
 */
export function logRows(model: Model, view: Pick<View, 'filter' | 'hidden' | 'event' | 'opened'>): readonly Row[] {
  const words = view.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const textsOf = searched(model);
  const hasAll = (texts: readonly string[]) => words.every((word) => texts.some((text) => text.includes(word)));
  const rows: Row[] = [];
  const chosen = view.event === undefined ? undefined : model.lines.of(view.event);
  for (const line of model.lines.list) {
    if (line !== chosen && !isShown(line, view.hidden)) continue;
    const lead = leadOf(line);
    const isInside = (event: ModelEvent) =>
      event !== lead && (event.id === view.event || !view.hidden.has(kindOf(event)));
    const isFound = words.length === 0 || hasAll([...wordsOf(model, line), ...textsOf(lead)]);
    const isOpen = !isFound || view.opened.has(lead.id) || (line === chosen && view.event !== lead.id);
    const inside = isOpen ? line.events.filter(isInside) : [];
    const shown = isFound ? inside : inside.filter((event) => hasAll(textsOf(event)));
    if (!isFound && shown.length === 0) continue;
    rows.push({ event: lead, line, level: 1, isOpen: line.events.some(isInside) ? isOpen : undefined });
    for (const event of shown) rows.push({ event, line, level: 2, isOpen: undefined });
  }
  return rows;
}

/** What belongs to the start-up stands back: who came, and what the nodes said to each other. */
export function isMuted(model: Model, { line, event }: Row): boolean {
  return leadOf(line).t < model.startUp.overAt && event.sign === undefined;
}

function isShown({ events }: Line, hidden: View['hidden']): boolean {
  if (events.some(({ stanza }) => stanza !== undefined && !hidden.has(stanza.name))) return true;
  if (events.some(({ stanza }) => stanza !== undefined)) return false;
  const [first] = events;
  // Most timers are for pings.
  return first !== undefined && !hidden.has(kindOf(first)) && !(first.timer && hidden.has('iq'));
}

function kindOf({ stanza, kind }: ModelEvent): string {
  return stanza?.name ?? (kind === 'append' ? 'append' : 'state');
}

function wordsOf(model: Model, line: Line): readonly string[] {
  const { what, outcome } = lineInWords(model, line);
  return [what.toLowerCase(), outcome.toLowerCase()];
}

/** Where the filter looks for words, in small letters. There are few names and few rules: each is put into words once. */
function searched(model: Model): (event: ModelEvent) => readonly string[] {
  const nameOf = remembered((address) => `${address} ${shortName(model, address)}`.toLowerCase());
  const labelOf = remembered((rule) => `${specEntry(rule).label} ${rule}`.toLowerCase());
  return (event) => {
    const { from, to, text, kind, sign, leg, outcome } = event;
    const rule = model.events.ruleOf(event);
    const label = rule ? labelOf(rule) : '';
    return [
      text.toLowerCase(),
      nameOf(from),
      nameOf(to),
      kind,
      sign ? signs[sign] : '',
      leg ?? '',
      label,
      outcome ?? '',
    ];
  };
}

function remembered(make: (key: string) => string): (key: string) => string {
  const made = new Map<string, string>();
  return (key) => {
    const known = made.get(key) ?? make(key);
    made.set(key, known);
    return known;
  };
}
