import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { forPeople, names, type Prosody, startProsody } from './prosody.ts';
import { Wan } from './wan.ts';

export const secret = 's3cr3t';

/** Two Prosodys with a network in between (real s2s, dialback). Things that are started on them are stopped with them. */
export interface TwoProsodys {
  readonly first: Prosody;
  readonly second: Prosody;
  readonly toFirst: Wan;
  readonly toSecond: Wan;
  /** For whatever the programs write. */
  readonly directory: string;
  /** Ends before what was started earlier. */
  endWith(end: () => unknown): void;
  cut(how: 'silent' | 'refused'): Promise<void>;
  heal(): Promise<void>;
  stop(): Promise<void>;
}

/** One of the two. */
export interface Side {
  /** Its users are names of prosody.ts; the password is "pw". */
  readonly domain: string;
  /** Components, and those of them that may speak in any name. */
  readonly components: readonly string[];
  readonly trusted?: readonly string[];
  /** Domains beside its own that the other one reaches it for. */
  readonly alsoAt?: readonly string[];
}

export async function startTwo(first: Side, second: Side): Promise<TwoProsodys> {
  const ends: (() => unknown)[] = [];
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  const start = async (side: Side, other: Side, toOther: Wan) => {
    const prosody = await startProsody({
      hosts: { [side.domain]: Object.fromEntries(names.map((name) => [name, 'pw'])) },
      components: Object.fromEntries(side.components.map((address) => [address, secret])),
      ...(side.trusted ? { trusted: side.trusted } : {}),
      modules: forPeople,
      s2s: Object.fromEntries([other.domain, ...(other.alsoAt ?? [])].map((domain) => [domain, toOther.address])),
    });
    ends.push(prosody.stop);
    return prosody;
  };
  try {
    const directory = mkdtempSync(`${tmpdir()}/netsplit-pair-`);
    ends.push(() => rmSync(directory, { recursive: true, force: true }));
    const toFirst = await Wan.open();
    ends.push(() => toFirst.close());
    const toSecond = await Wan.open();
    ends.push(() => toSecond.close());
    const one = await start(first, second, toSecond);
    const two = await start(second, first, toFirst);
    toFirst.leadsTo(one.s2sPort);
    toSecond.leadsTo(two.s2sPort);
    return {
      ...{ first: one, second: two, toFirst, toSecond, directory, stop },
      endWith: (end) => ends.push(end),
      cut: async (how) => {
        await Promise.all([toFirst.cut(how), toSecond.cut(how)]);
      },
      heal: async () => {
        await Promise.all([toFirst.heal(), toSecond.heal()]);
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
