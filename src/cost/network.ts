/** A network, and what happens in its room: all that the formulas and the simulator are given. */
export interface Network {
  /** Occupants of each server, at least one. The first server has the room, or its primary, source or root. */
  readonly occupants: readonly number[];
  /** Every link between two servers, in each direction. */
  readonly link: {
    readonly latencyMs: number;
    /** 0: unlimited. */
    readonly bytesPerSecond: number;
    /** Probability that a stanza vanishes though the link is up. */
    readonly loss: number;
  };
  /** Messages, by authors who are spread evenly over all occupants. */
  readonly messages: number;
  /** UTF-8 length of the text of a message. */
  readonly bodyBytes: number;
  /** Rounds of change: in each one occupant leaves, enters again, and takes another nick. */
  readonly churn: number;
  /** Of a tree of nodes: how many join each. */
  readonly fanOut: number;
  /** Messages that the last server misses while it is cut off. */
  readonly missed: number;
}

/** The room of the README: a thousand occupants on ten servers, in an hour. */
export const usualNetwork: Network = {
  occupants: evenly(1_000, 10),
  link: { latencyMs: 50, bytesPerSecond: 1_000_000, loss: 0 },
  messages: 100,
  bodyBytes: 80,
  churn: 20,
  fanOut: 4,
  missed: 40,
};

/** The largest room that the formulas are meant for. */
export const occupantsMax = 1_000_000;
export const serversMax = 10_000;
/** So much of a past is sent to those who enter (XEP-0045 §7.2.13), unless a room is configured otherwise. */
export const historyMax = 200;

/** So many on so many servers: as many on each, and one more on the first where it does not come out even. */
export function evenly(occupants: number, servers: number): readonly number[] {
  const [each, rest] = [Math.floor(occupants / servers), occupants % servers];
  return Array.from({ length: servers }, (_, server) => each + (server < rest ? 1 : 0));
}

export function occupantsOf({ occupants }: Network): number {
  return occupants.reduce((sum, one) => sum + one, 0);
}

/** Occupants who are not on the room's own server. */
export function elsewhereIn({ occupants }: Network): number {
  return occupants.reduce((sum, one, server) => sum + (server === 0 ? 0 : one), 0);
}

/** Messages of the past that an entry brings, once all have spoken. */
export function pastOf({ messages }: Network): number {
  return Math.min(historyMax, messages);
}

/** Which of so many people each of so many acts is by: as even as it can be. @returns numbers of people, in order */
export function spread(acts: number, people: number): readonly number[] {
  return Array.from({ length: acts }, (_, act) => Math.floor((act * people) / acts));
}

/** How many of the acts are by people of each server. @param people  of each server */
export function actsByServer(acts: number, people: readonly number[]): readonly number[] {
  const all = people.reduce((sum, one) => sum + one, 0);
  let before = 0;
  return people.map((here) => {
    // Act i is by person ⌊i · all / acts⌋: those of the people before a are ⌈a · acts / all⌉.
    const [first, last] = [before, before + here].map((person) => Math.ceil((person * acts) / all));
    before += here;
    return (last ?? 0) - (first ?? 0);
  });
}

/** The first occupant of each server keeps the room there open; the others come and go. */
export function othersOf({ occupants }: Network): readonly number[] {
  return occupants.map((here) => here - 1);
}

/** Messages by authors of each server. */
export function authorsIn(network: Network): readonly number[] {
  return actsByServer(network.messages, network.occupants);
}

/** Rounds of change by occupants of each server. */
export function changersIn(network: Network): readonly number[] {
  return actsByServer(network.churn, othersOf(network));
}

/** What is wrong with a network, in one line that begins with the field; undefined if nothing is. */
export function whyNotNetwork(network: Network): string | undefined {
  const { occupants, link, messages, bodyBytes, churn, fanOut, missed } = network;
  const count = (name: string, value: number, least: number, most: number) =>
    Number.isInteger(value) && value >= least && value <= most
      ? undefined
      : `${name}: ${value} is no whole number from ${least} to ${most}`;
  return (
    count('servers', occupants.length, 1, serversMax) ??
    occupants.map((here) => count('occupants of a server', here, 1, occupantsMax)).find((one) => one !== undefined) ??
    count('occupants', occupantsOf(network), 1, occupantsMax) ??
    count('messages', messages, 0, 1_000_000) ??
    count('body', bodyBytes, 1, 10_000) ??
    count('churn', churn, 0, 1_000_000) ??
    count('fan-out', fanOut, 1, serversMax) ??
    count('missed', missed, 0, 100_000) ??
    count('latency', link.latencyMs, 0, 60_000) ??
    count('bandwidth', link.bytesPerSecond, 0, 1_000_000_000_000) ??
    (link.loss >= 0 && link.loss <= 0.1 ? undefined : `loss: ${link.loss} is no probability from 0 to 0.1`) ??
    (churn > 0 && othersOf(network).every((here) => here === 0)
      ? 'churn: the only occupant of a server keeps the room there open, so some server needs two'
      : undefined)
  );
}
