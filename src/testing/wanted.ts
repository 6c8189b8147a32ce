import type { LabState } from '../ui/lab-api.ts';

type Fields<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** What `waitForState()` waits for: one thing, by its address, and some fields of what `lab.state()` says of it. */
export type Wanted =
  | ({ readonly node: string } & Fields<Omit<LabState['nodes'][number], 'node'>> & Presence)
  | ({ readonly link: readonly [string, string] } & Fields<Omit<LabState['links'][number], 'ends'>> & Presence)
  /** By full JID. */
  | ({ readonly occupant: string } & Fields<Omit<LabState['occupants'][number], 'jid'>> & Presence)
  | ({ readonly phase: LabState['phase'] } & Presence);

interface Presence {
  /** There is nothing of the kind. */
  readonly gone?: boolean;
}

/**
 * What the page says of a thing, and whether it is as wanted. Runs in the page: it may use nothing but its argument and
 * `window.lab`.
 */
export function lookAt(wanted: Wanted): { readonly holds: boolean; readonly found: unknown } {
  if (window.lab === undefined) return { holds: false, found: 'the page is still loading' };
  // Whichever kind is wanted, its fields are compared by name.
  const { node, link, occupant, gone = false, ...fields } = wanted as unknown as Readonly<Record<string, unknown>>;
  const state = window.lab.state();
  const key = Array.isArray(link) ? [...link].sort().join('~') : undefined;
  const found =
    node !== undefined
      ? state.nodes.find((one) => one.node === node)
      : key !== undefined
        ? state.links.find((one) => one.key === key)
        : occupant !== undefined
          ? state.occupants.find((one) => one.jid === occupant)
          : { phase: state.phase };
  const isAs = (value: unknown, is: unknown) => JSON.stringify(value) === JSON.stringify(is);
  const values = found as Readonly<Record<string, unknown>> | undefined;
  const matches =
    values !== undefined &&
    Object.entries(fields).every(([name, value]) => value === undefined || isAs(value, values[name]));
  return { holds: matches !== gone, found };
}
