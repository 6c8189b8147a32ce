import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { forPeople, names, type Prosody, startProsody } from './prosody.ts';
import { Wan } from './wan.ts';

export const secret = 's3cr3t';

/** One server, with components. */
export interface Side {
  /** Its users are names of prosody.ts; the password is "pw". */
  readonly domain: string;
  /** Components, and those of them that may speak in any name. */
  readonly components: readonly string[];
  readonly trusted?: readonly string[];
  /** Domains beside its own that the others reach it for. */
  readonly alsoAt?: readonly string[];
}

/** Prosodys with a network in between (real s2s, dialback). Things that are started on them are stopped with them. */
export interface Prosodys {
  readonly servers: readonly Prosody[];
  /** For whatever the programs write. */
  readonly directory: string;
  /** What goes from one server to another, by their places in the list. */
  way(from: number, to: number): Wan;
  /** Ends before what was started earlier. */
  endWith(end: () => unknown): void;
  /** Cuts one server off from all others. */
  cut(which: number, how: 'silent' | 'refused'): Promise<void>;
  heal(which: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startProsodys(sides: readonly Side[]): Promise<Prosodys> {
  const ends: (() => unknown)[] = [];
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  const pairs = sides.flatMap((_, from) => sides.flatMap((_, to) => (from === to ? [] : [{ from, to }])));
  try {
    const directory = mkdtempSync(`${tmpdir()}/netsplit-prosodys-`);
    ends.push(() => rmSync(directory, { recursive: true, force: true }));
    const ways: { readonly from: number; readonly to: number; readonly wan: Wan }[] = [];
    for (const pair of pairs) {
      const wan = await Wan.open();
      ends.push(() => wan.close());
      ways.push({ ...pair, wan });
    }
    const servers: Prosody[] = [];
    for (const [from, side] of sides.entries()) {
      const addresses = ways
        .filter((way) => way.from === from)
        .flatMap(({ to, wan }) => domainsOf(sides[to]).map((domain) => [domain, wan.address] as const));
      const prosody = await startProsody({
        hosts: { [side.domain]: Object.fromEntries(names.map((name) => [name, 'pw'])) },
        components: Object.fromEntries(side.components.map((address) => [address, secret])),
        ...(side.trusted ? { trusted: side.trusted } : {}),
        modules: forPeople,
        s2s: Object.fromEntries(addresses),
      });
      ends.push(prosody.stop);
      servers.push(prosody);
      for (const { to, wan } of ways) if (to === from) wan.leadsTo(prosody.s2sPort);
    }
    const around = (which: number) => ways.filter(({ from, to }) => from === which || to === which);
    return {
      ...{ servers, directory, stop },
      way(from, to) {
        const way = ways.find((one) => one.from === from && one.to === to);
        if (way === undefined) throw new RangeError(`no way from ${from} to ${to}`);
        return way.wan;
      },
      endWith: (end) => ends.push(end),
      cut: async (which, how) => {
        await Promise.all(around(which).map(({ wan }) => wan.cut(how)));
      },
      heal: async (which) => {
        await Promise.all(around(which).map(({ wan }) => wan.heal()));
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function domainsOf(side: Side | undefined): readonly string[] {
  return side === undefined ? [] : [side.domain, ...(side.alsoAt ?? [])];
}
