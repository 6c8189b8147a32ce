/**
 * What the page around an embedded one may ask of it, by `postMessage`: an object with these fields and no other. It is not told of
 * anything that it cannot ask for.
 */
export type RemoteRequest =
  | { readonly netsplit: 'play' }
  | { readonly netsplit: 'pause' }
  /** Forward, or back, by so many events; absent: 1. */
  | { readonly netsplit: 'step'; readonly by?: number }
  /** To a place: so many events have happened there. */
  | { readonly netsplit: 'seek'; readonly at: number };

/** What the page around it is told: once it can be asked, after each request, and when it begins or stops playing. */
export interface RemoteAnswer {
  readonly netsplit: 'at';
  /** The place that is shown, and the last one: numbers of events. */
  readonly at: number;
  readonly length: number;
  /** Of that place, in milliseconds since the run began. */
  readonly ms: number;
  readonly playing: boolean;
  /** It plays as soon as it is on the screen. */
  readonly waiting: boolean;
}

/** A request does not go further at once. */
export const stepMax = 1_000;

/** A request, as it came from a page that may send anything; undefined if it is none. */
export function readRequest(data: unknown): RemoteRequest | undefined {
  // What arrives is a copy: it has no getters, and of this page’s own kinds.
  if (typeof data !== 'object' || data === null || Object.getPrototypeOf(data) !== Object.prototype) return undefined;
  const { netsplit, by, at } = data as Readonly<Record<string, unknown>>;
  const only = (...fields: readonly string[]) => {
    // A large object is not listed as a whole.
    for (const field in data) if (field !== 'netsplit' && !fields.includes(field)) return false;
    return true;
  };
  switch (netsplit) {
    case 'play':
    case 'pause':
      return only() ? { netsplit } : undefined;
    case 'step':
      if (!only('by')) return undefined;
      if (by === undefined) return { netsplit };
      return isWhole(by) && by !== 0 && Math.abs(by) <= stepMax ? { netsplit, by } : undefined;
    case 'seek':
      return only('at') && isWhole(at) && at >= 0 ? { netsplit, at } : undefined;
    default:
      return undefined;
  }
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
