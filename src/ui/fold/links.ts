import type { HopRecord } from '../../core/node/trace.ts';

export interface LinkView {
  readonly key: string;
  readonly ends: readonly [string, string];
  state: 'up' | 'bounce' | 'silent';
  latencyMs: number;
  jitterMs: number;
  bytesPerSecond: number;
  stanzas: number;
  bytes: number;
  dropped: number;
  /** Why it carries nothing, though nobody has cut it: the real server at its end is away. */
  away?: string | undefined;
}

/** What a link is like, without what it has carried. */
export type LinkSettings = Pick<LinkView, 'state' | 'latencyMs' | 'jitterMs' | 'bytesPerSecond' | 'away'>;

/** A link as the server makes it where nobody asks for another. */
export function newLink(ends: readonly [string, string]): LinkView {
  const [a, b] = [...ends].sort() as [string, string];
  return {
    key: linkKey(a, b),
    ends: [a, b],
    state: 'up',
    latencyMs: 20,
    jitterMs: 0,
    bytesPerSecond: 0,
    stanzas: 0,
    bytes: 0,
    dropped: 0,
  };
}

/** Name of a link for `data-link` and in maps: the two domains in alphabetical order. */
export function linkKey(a: string, b: string): string {
  return a < b ? `${a}~${b}` : `${b}~${a}`;
}

export function describeLink(link: LinkSettings): string {
  if (link.away !== undefined) return `away: ${link.away}`;
  if (link.state === 'bounce') return 'cut: stanzas bounce';
  if (link.state === 'silent') return 'cut: stanzas vanish silently';
  const jitter = link.jitterMs ? ` ± ${link.jitterMs} ms` : '';
  const speed = link.bytesPerSecond ? `, ${link.bytesPerSecond} B/s` : '';
  return `up, ${link.latencyMs} ms${jitter}${speed}`;
}

/** @returns whether that made the link another one */
export function setLink(link: LinkView, settings: Partial<LinkSettings>): boolean {
  const {
    state = link.state,
    latencyMs = link.latencyMs,
    jitterMs = link.jitterMs,
    bytesPerSecond = link.bytesPerSecond,
    away,
  } = settings;
  const same =
    state === link.state &&
    latencyMs === link.latencyMs &&
    jitterMs === link.jitterMs &&
    bytesPerSecond === link.bytesPerSecond &&
    away === link.away;
  Object.assign(link, { state, latencyMs, jitterMs, bytesPerSecond, away });
  return !same;
}

export function countHop(
  link: Pick<LinkView, 'stanzas' | 'bytes' | 'dropped'>,
  { outcome, stanza }: { readonly outcome?: HopRecord['outcome'] | undefined } & Pick<HopRecord, 'stanza'>,
): void {
  if (outcome) link.dropped++;
  else {
    link.stanzas++;
    link.bytes += stanza.bytes;
  }
}
