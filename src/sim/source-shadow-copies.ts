import { shadowConfig } from '../core/distribution/hosting.ts';
import type { RoomSettings } from '../core/room/config.ts';
import { type HistoryItem, isLater } from '../core/room/event.ts';
import { settingFields } from '../core/room/setting-fields.ts';
import type { RoomSnapshot } from '../core/room/snapshot.ts';
import { bareOf, domainOf, type Jid } from '../core/xmpp/jid.ts';
import { textOf } from '../core/xmpp/xml.ts';
import { historyOf } from './archives.ts';
import { servedHere } from './checkers/occupants.ts';
import type { Evidence } from './evidence.ts';
import { instancesOf, sourceIn, trustAt } from './instances.ts';
import type { Checker } from './judge.ts';
import type { Verdict, Violation } from './trace.ts';

/** The rooms of all honest instances that are there at the end; the source is the first. */
function copiesOf(given: Evidence) {
  const { rooms, honest } = instancesOf(given);
  return [...rooms].flatMap(([address, jid]) => {
    const seat = honest.has(address) ? given.world?.seats.get(address) : undefined;
    const room = seat?.node.snapshot().rooms.find((one) => one.room === jid);
    return seat === undefined || room === undefined
      ? []
      : [{ address, room: { ...room, history: historyOf(seat, room) } }];
  });
}

/** S-c: at the end each shadow has the source's configuration, and its lists as far as it is told them; roles are the source's. */
export const configurations: Checker = (given) => ({ verdict: () => sameConfiguration(given) });

function sameConfiguration(given: Evidence): Verdict {
  const violations: Violation[] = [];
  let exercised = 0;
  const { source } = instancesOf(given);
  const nodes = given.world?.plan.layout.nodes ?? [];
  const layout = given.world && sourceIn(given.world.plan.layout);
  const [first, ...shadows] = copiesOf(given);
  if (layout === undefined || first === undefined || first.room.room !== source) return { violations, exercised };
  const wanted = settingsOf({ ...layout, ...first.room.changes });
  const { seeJids } = trustAt(nodes, first.address);
  const wrong = (what: string) => violations.push({ invariant: 'S-c', what });
  for (const { address, room } of shadows) {
    exercised++;
    const settings = settingsOf({ ...shadowConfig(room.room, first.room.room, undefined), ...room.changes });
    for (const [name, value] of settings)
      if (value !== wanted.get(name)) wrong(`${address} has ${name} ${value}, and the source ${wanted.get(name)}`);
    const server = nodes.find((node) => node.address === address)?.server;
    const isTold = ([user]: readonly [Jid, unknown]) =>
      seeJids === undefined || seeJids.includes(address) || user === domainOf(user) || domainOf(user) === server;
    for (const name of ['affiliations', 'reservedNicks'] as const) {
      const [here, there] = [room[name], first.room[name].filter(isTold)].map((list) => written(list));
      if (here !== there) wrong(`${address} has as ${name} ${here}, and the source ${there}`);
    }
    if (given.world?.plan.hostileNode === undefined) violations.push(...unlikeRanks(first.room, room));
  }
  return { violations, exercised };
}

function settingsOf(settings: RoomSettings): ReadonlyMap<string, string> {
  return new Map([
    ...settingFields.map(({ var: name, write }) => [name, write(settings).join(' ')] as const),
    ['password', settings.password] as const,
  ]);
}

function written(list: readonly (readonly [Jid, unknown])[]): string {
  return list
    .map(([user, value]) => `${user} ${String(value)}`)
    .sort()
    .join(', ');
}

/** A shadow's own users have there the role that the source gives them. */
function unlikeRanks(source: RoomSnapshot, shadow: RoomSnapshot): Violation[] {
  const roles = new Map(source.occupants.map(({ nick, role }) => [nick, role]));
  return shadow.occupants.flatMap((one) => {
    const there = roles.get(one.nick);
    if (servedHere(one).length === 0 || there === undefined || there === one.role) return [];
    return [{ invariant: 'S-c', what: `${one.nick} is ${one.role} at ${shadow.room}, and ${there} for the source` }];
  });
}

/** S-e: at the end the archives of all instances are equal: the same messages in the same order. */
export const sameArchives: Checker = (given) => ({ verdict: () => archives(given) });

function archives(given: Evidence): Verdict {
  const violations: Violation[] = [];
  let exercised = 0;
  const { hostileRoom } = instancesOf(given);
  // What a hostile instance says it may say to one and not to another.
  // What an instance has said that is none any more nobody but the source can tell of.
  const there = new Set(copiesOf(given).map(({ room }) => room.room));
  const counts = ({ by }: HistoryItem) => by !== hostileRoom && there.has(by);
  const copies = copiesOf(given).map(({ address, room }) => ({ address, items: room.history.filter(counts) }));
  const [first, ...others] = copies;
  for (const { address, items } of first === undefined ? [] : others) {
    exercised++;
    const k = Array.from({ length: Math.max(items.length, first?.items.length ?? 0) }).findIndex(
      (_, i) => !isSame(items[i], first?.items[i]),
    );
    if (k < 0) continue;
    const [here, there] = [items[k], first?.items[k]].map(named);
    violations.push({
      invariant: 'S-e',
      what: `the ${k}th message of ${address} is ${here}, and of ${first?.address} ${there}`,
    });
  }
  return { violations, exercised };
}

/**
 * S-g: what an instance accepts of its own users stands after all that it had, though its clock, or another's, be wrong: so an
 * answer stands after what it answers.
 */
export const causalOrder: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { trace } = given;
  const { rooms, honest, addresses } = instancesOf(given);
  /** By service: what stands last of all that it has. */
  const last = new Map<Jid, HistoryItem>();
  return {
    other(record) {
      if (record.kind === 'forgotten') last.delete(record.node);
    },
    kept(event, { node, room }, { cause }, i) {
      if (!honest.has(node) || room !== rooms.get(node)) return;
      if (event.kind === 'roomCreated') last.delete(node);
      const item = event.kind === 'messageAccepted' || event.kind === 'subjectChanged' ? event.item : undefined;
      if (item === undefined) return;
      const before = last.get(node);
      if (before === undefined || isLater(item, before)) last.set(node, item);
      const input = cause === undefined ? undefined : trace[cause];
      // Of its own it may be told again what it has lost.
      if (before === undefined || item.by !== room || input?.kind !== 'out' || addresses.has(bareOf(input.stanza.from)))
        return;
      exercised++;
      if (!isLater(item, before))
        violations.push({ invariant: 'S-g', what: `${named(item)} stands before ${named(before)}`, at: i });
    },
    verdict: () => ({ violations, exercised }),
  };
};

function named(item: HistoryItem | undefined): string {
  if (item === undefined) return 'none';
  return `${item.payloads.map(textOf).join(' ')} of ${item.nick} (${item.by} ${item.id})`;
}

function isSame(a: HistoryItem | undefined, b: HistoryItem | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const known = (item: HistoryItem) => (item.author === undefined ? '' : bareOf(item.author));
  const authors = a.author === undefined || b.author === undefined || known(a) === known(b);
  const words = (item: HistoryItem) =>
    JSON.stringify(
      item.payloads.flatMap((payload) =>
        ['body', 'subject'].includes(payload.name) ? [payload.name, textOf(payload)] : [],
      ),
    );
  return a.by === b.by && a.id === b.id && a.at === b.at && authors && words(a) === words(b);
}
