/** How much of the height the panel below the picture takes. */
export interface PanelSize {
  /** In percent, while it shares the height with the picture. */
  readonly panel: number;
  /** It has all of it. */
  readonly maximised: boolean;
}

export const usual: PanelSize = { panel: 28, maximised: false };
const least = 15;
const most = 70;
/** Who pulls the border this far up wants all of the height. */
const allFrom = 85;
/** What an arrow key moves the border by. */
const step = 5;

/** What the height is, in percent, for those who cannot see it. */
export function percentOf({ panel, maximised }: PanelSize): number {
  return maximised ? 100 : panel;
}

/** The size that comes nearest to a height in percent. */
export function sized(size: PanelSize, percent: number): PanelSize {
  if (percent >= allFrom) return { ...size, maximised: true };
  return { panel: Math.min(most, Math.max(least, Math.round(percent))), maximised: false };
}

/** What a key does on the border, as the ARIA pattern "window splitter" has it; undefined if nothing. */
export function keyed(size: PanelSize, key: string): PanelSize | undefined {
  if (key === 'Enter') return { ...size, maximised: !size.maximised };
  if (key === 'Home') return sized(size, least);
  if (key === 'End') return { ...size, maximised: true };
  if (key === 'ArrowDown') return size.maximised ? { ...size, maximised: false } : sized(size, size.panel - step);
  if (key !== 'ArrowUp') return undefined;
  return size.panel >= most ? { ...size, maximised: true } : sized(size, size.panel + step);
}

/** What was kept, as far as it is a size. */
export function readSize({ panel, maximised }: { panel?: unknown; maximised?: unknown }): PanelSize {
  const known = typeof panel === 'number' && panel >= least && panel <= most ? panel : usual.panel;
  return { panel: known, maximised: maximised === true };
}
