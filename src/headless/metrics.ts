import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ByKind } from '../server/tally.ts';
import type { Watch, WatchedNode } from './watch.ts';

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [Labels, number];

/** Upper bounds of latencies, in seconds. */
const buckets = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

/**
 * The figures of a service, in the text format of Prometheus. They are read from plain numbers when somebody asks. Labels are
 * nodes, links, kinds and conditions, of which there are few: never users, and never rooms.
 */
export function metricsOf(watch: Watch): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const common = { registers: [registry] };
  const gauge = (name: string, help: string, labelNames: readonly string[], samples: () => readonly Sample[]) =>
    new Gauge({
      ...{ ...common, name: `netsplit_${name}`, help, labelNames: [...labelNames] },
      collect() {
        this.reset();
        for (const [labels, value] of samples()) this.set(labels, value);
      },
    });
  const counter = (name: string, help: string, labelNames: readonly string[], samples: () => readonly Sample[]) =>
    new Counter({
      ...{ ...common, name: `netsplit_${name}_total`, help, labelNames: [...labelNames] },
      collect() {
        this.reset();
        for (const [labels, value] of samples()) this.inc(labels, value);
      },
    });
  const ofNodes = (of: (node: WatchedNode, label: Labels) => readonly Sample[]) => () =>
    watch.nodes.flatMap((node) => of(node, { node: node.address }));

  gauge('ready', '1 while all nodes are connected and their stores open', [], () => [
    [{}, watch.waitsFor().length === 0 ? 1 : 0],
  ]);
  gauge(
    'rooms',
    'Rooms',
    ['node'],
    ofNodes(({ driver }, label) => [[label, driver?.status().rooms.length ?? 0]]),
  );
  gauge(
    'occupants',
    'Occupants of all rooms, by who serves them: this node or another one',
    ['node', 'served'],
    ofNodes(({ driver }, label) => {
      const all = (driver?.status().rooms ?? []).flatMap(({ occupants }) => occupants);
      const elsewhere = all.filter(({ home }) => home !== undefined).length;
      return [
        [{ ...label, served: 'here' }, all.length - elsewhere],
        [{ ...label, served: 'elsewhere' }, elsewhere],
      ];
    }),
  );
  gauge(
    'peers',
    'Other nodes with which rooms are shared, by state',
    ['node', 'state'],
    ofNodes(({ driver }, label) =>
      counted(
        (driver?.status().rooms ?? []).flatMap(({ peers }) => peers.map(({ state }) => state)),
        (state) => ({ ...label, state }),
      ),
    ),
  );
  counter(
    'splits',
    'How nodes found that they and a peer are split or out of step',
    ['node', 'sign'],
    ofNodes(({ signs }, label) =>
      [...signs]
        .filter(([sign]) => sign !== 'netjoin' && sign !== 'judged')
        .map(([sign, times]) => [{ ...label, sign }, times]),
    ),
  );
  counter(
    'resyncs',
    'Times that a node and a peer came together again',
    ['node'],
    ofNodes(({ signs }, label) => [[label, signs.get('netjoin') ?? 0]]),
  );
  gauge(
    'link_up',
    '1 while the node is connected to its server',
    ['node'],
    ofNodes(({ link }, label) => [[label, link?.isUp ? 1 : 0]]),
  );
  counter(
    'deliveries',
    'Copies of messages that rooms sent',
    ['node'],
    ofNodes(({ link }, label) => [[label, link?.deliveries ?? 0]]),
  );
  gauge('queue_length', 'What waits: inputs of a node, stanzas for a link', ['queue', 'of'], () => [
    ...watch.nodes.flatMap(({ address: of, driver, link }): Sample[] => [
      [{ queue: 'inputs', of }, driver?.queued ?? 0],
      [{ queue: 'link', of }, link?.backlog ?? 0],
    ]),
    ...watch.networks.flatMap((network) =>
      network.links().map(({ between, waiting }): Sample => [{ queue: 'link', of: between.join(' ') }, waiting]),
    ),
  ]);

  const traffic = (what: 'stanzas' | 'bytes') => () => [
    ...watch.nodes.flatMap(({ address: link, link: of }) =>
      of === undefined ? [] : [...byKind(what, link, 'in', of.received), ...byKind(what, link, 'out', of.sent)],
    ),
    ...watch.networks.flatMap((network) => [
      ...byKind(what, 'users', 'in', network.tally.received),
      ...byKind(what, 'users', 'out', network.tally.delivered),
      ...network.links().flatMap(({ between, carried }) => byKind(what, between.join(' '), 'both', carried)),
    ]),
  ];
  const way = ['link', 'direction', 'kind'];
  counter('stanzas', 'Stanzas by link: of a node, of all users, between two servers', way, traffic('stanzas'));
  counter('bytes', 'The same in bytes, as XML', way, traffic('bytes'));
  counter('dropped', 'Stanzas that were lost between two servers', ['link'], () =>
    watch.networks.flatMap((network) =>
      network.links().map(({ between, dropped }): Sample => [{ link: between.join(' ') }, dropped]),
    ),
  );
  counter('refusals', 'What was refused, by who refused it and the condition of RFC 6120', ['by', 'reason'], () => [
    ...watch.nodes.flatMap(({ address: by, link }) =>
      [...(link?.refused ?? [])].map(([reason, times]): Sample => [{ by, reason }, times]),
    ),
    ...watch.networks.flatMap(({ tally }) => [
      ...[...tally.refused].map(([reason, times]): Sample => [{ by: 'server', reason }, times]),
      ...[...tally.ended].map(([reason, times]): Sample => [{ by: 'stream', reason }, times]),
      ...[...tally.failedLogins].map(([reason, times]): Sample => [{ by: 'login', reason }, times]),
    ]),
  ]);
  gauge('sessions', 'Sessions of the embedded server', ['server', 'role'], () =>
    watch.networks.flatMap(({ servers }) =>
      servers.flatMap((server) =>
        counted(
          server.sessions().map(({ account }) => account.role),
          (role) => ({ server: server.domain, role }),
        ),
      ),
    ),
  );
  const latency = (name: string, help: string) =>
    new Histogram({ ...common, name: `netsplit_${name}_seconds`, help, labelNames: ['node'], buckets: [...buckets] });
  const appends = latency('log_append', 'Until the log had kept what an input changed');
  const searches = latency('archive_search', 'Until a page of an archive was found');
  // Once for many stanzas, and beside the disk it is no work: these are told as it happens.
  watch.latencies = {
    appended: (node, ms) => appends.observe({ node }, ms / 1000),
    searched: (node, ms) => searches.observe({ node }, ms / 1000),
  };
  return registry;
}

function byKind(what: 'stanzas' | 'bytes', link: string, direction: string, counts: ByKind): Sample[] {
  return Object.entries(counts).map(([kind, of]) => [{ link, direction, kind }, of[what]]);
}

function counted<T extends string>(all: readonly T[], labelsOf: (one: T) => Labels): Sample[] {
  const counts = new Map<T, number>();
  for (const one of all) counts.set(one, (counts.get(one) ?? 0) + 1);
  return [...counts].map(([one, times]) => [labelsOf(one), times]);
}
