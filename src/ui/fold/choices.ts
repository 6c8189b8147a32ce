import type { ModelEvent } from './event.ts';

/** A decision of ours by which something happened. */
export interface Choice {
  readonly spec: string;
  /** How many events it made. */
  readonly times: number;
  /** The last of them. */
  readonly last: number;
}

/** The decisions by which these events happened, by number: what the XEPs leave open, and what was done there. */
export function choicesIn(events: readonly ModelEvent[]): readonly Choice[] {
  const found = new Map<string, Choice>();
  for (const { spec, id } of events)
    if (spec?.startsWith('decision#')) found.set(spec, { spec, times: (found.get(spec)?.times ?? 0) + 1, last: id });
  const number = ({ spec }: Choice) => Number(spec.slice('decision#'.length));
  return [...found.values()].sort((a, b) => number(a) - number(b));
}
