/** What a page can show that is embedded in another one: the picture, the ways to drive it, and each view. */
export const embedRegions = [
  'topology',
  'speak',
  'transport',
  'log',
  'spacetime',
  'transcripts',
  'counters',
  'outline',
  'inspector',
  'lesson',
] as const;
export type EmbedRegion = (typeof embedRegions)[number];

/** How a page is shown inside of another one, as its address says: `?embed=1&region=topology,transport&keys=0&autoplay=0`. */
export interface Embedding {
  readonly regions: readonly EmbedRegion[];
  /** Whether keys work as in the whole page; if not, they are the parent’s. */
  readonly keys: boolean;
  /** Whether it plays as soon as it is on the screen. */
  readonly autoplay: boolean;
}

export const usualEmbedding: Embedding = { regions: ['topology', 'transport'], keys: true, autoplay: false };

/** The parts of an address that are about embedding. */
export const embedParameters = ['embed', 'region', 'keys', 'autoplay'] as const;

/**
 * Reads how a page is embedded.
 *
 * @param search  of the address, with its `?`
 * @returns undefined: it is not embedded; `wrong` says what in the address is not as it should be
 */
export function readEmbedding(
  search: string,
): { readonly embedding: Embedding; readonly wrong: string | undefined } | undefined {
  const query = new URLSearchParams(search);
  if (query.get('embed') !== '1') return undefined;
  const given = (query.get('region') ?? '').split(',').filter((name) => name !== '');
  const regions = embedRegions.filter((name) => given.includes(name));
  const unknown = given.find((name) => !embedRegions.some((one) => one === name));
  const [keys, autoplay] = [query.get('keys'), query.get('autoplay')];
  const unclear = ([['keys', keys] as const, ['autoplay', autoplay] as const] as const).find(
    ([, value]) => value !== null && value !== '0' && value !== '1',
  );
  return {
    embedding: {
      regions: regions.length === 0 ? usualEmbedding.regions : regions,
      keys: keys !== '0',
      autoplay: autoplay === '1',
    },
    wrong:
      unknown !== undefined
        ? `There is no region ${quoted(unknown)}. There are ${embedRegions.join(', ')}.`
        : unclear && `${unclear[0]}=${unclear[1]?.slice(0, 40)} is neither 0 nor 1.`,
  };
}

function quoted(text: string): string {
  return `“${text.length > 40 ? `${text.slice(0, 40)}…` : text}”`;
}
