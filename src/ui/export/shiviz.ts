import type { ModelEvent } from '../fold/event.ts';
import type { Events } from '../fold/events.ts';

/**
 * A log for ShiViz, which its default expression takes apart: `(?<host>\S*) (?<clock>{.*})\n(?<event>.*)`. Each event has the vector clock
 * of whoever it happened to, so that one happened before another exactly if a chain of causes, or the order at one participant, leads
 * from one to the other.
 */
export function shivizOf(events: Events): string {
  const clocks = new Map<string, Readonly<Record<string, number>>>();
  const ofEvent = new Map<number, Readonly<Record<string, number>>>();
  const lines: string[] = [];
  for (const event of causesFirst(events)) {
    const host = hostOf(event);
    const clock: Record<string, number> = { ...clocks.get(host) };
    for (const [other, count] of Object.entries(ofEvent.get(event.cause ?? Number.NaN) ?? {}))
      clock[other] = Math.max(clock[other] ?? 0, count);
    clock[host] = (clock[host] ?? 0) + 1;
    clocks.set(host, clock);
    ofEvent.set(event.id, clock);
    lines.push(`${host} ${JSON.stringify(clock)}\n${event.text.replace(/\s+/g, ' ') || event.kind}\n`);
  }
  return lines.join('');
}

/** In the order in which they happened; clocks that differ do not put an effect before its cause. */
function* causesFirst(events: Events): Generator<ModelEvent> {
  const done = new Set<number>();
  for (const { id } of events.list) {
    for (const step of events.pathTo(id)) {
      const event = done.has(step) ? undefined : events.get(step);
      done.add(step);
      if (event) yield event;
    }
  }
}

/** To whom it happened: who sends on the first leg, who is handed it on the last, and a server in between. A host has no white space. */
export function hostOf({ leg, from, to }: Pick<ModelEvent, 'leg' | 'from' | 'to'>): string {
  const address = leg === 'out' ? to : from || to || 'network';
  return address.replace(/[%\s]/g, encodeURIComponent).replace(/^__proto__$/, '%5F_proto__');
}
