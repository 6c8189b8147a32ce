import type { FederationFigures } from './federation.ts';
import { networkOf } from './federation.ts';
import { table } from './print.ts';

const rooms = {
  replicated: 'primary and replicas (XEP-0282)',
  tree: 'federated rooms in a tree (XEP-0289)',
  instances: 'source and shadows (XEP-0281)',
};

export function printFederation(figures: readonly FederationFigures[]): void {
  const [{ occupants = 0 } = {}] = figures;
  const number = (value: number) => value.toLocaleString('en', { maximumFractionDigits: 1 });
  table(
    `A room of ${number(occupants)} people on many servers, all nodes in one process; ${networkOf}`,
    [
      ...['', 'servers', 'all are in after', 'stanzas on links for each'],
      ...['a message: stanzas on links', 'on the busiest', 'until the last has it', 'memory a node'],
    ],
    figures.map((of) => [
      rooms[of.room],
      `${of.servers}`,
      of.entered === of.occupants
        ? `${number(of.enterSeconds)} s of processor time`
        : `${number(of.entered)} after ${number(of.enterSeconds)} s`,
      number(of.enterStanzas),
      number(of.messageStanzas) + (of.heard === of.entered ? '' : `; only ${number(of.heard)} hear it`),
      number(of.busiestLink),
      `${number(of.networkMs)} ms, and ${number(of.cpuMs)} ms of processor time`,
      `${number(of.bytesPerNode / 1024 / 1024)} MiB`,
    ]),
  );
}
