/** What an owner may say of other nodes in the room's configuration form: decisions #175 and #184. */
import type { FederationSettings, RoomSettings } from '../../room/config.ts';
import type { SettingField } from '../../room/setting-field.ts';
import { readBoolean } from '../../xep/xep0004.ts';
import { bareOf, domainOf, type Jid, parseJid } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import type { FmucMode } from '../config.ts';

/** Nodes that a room can name in one field. */
const nodesMax = 100;
const historyMost = 10_000;

/** @returns undefined if one of them is no address, or they are too many */
function readNodes(values: readonly string[]): readonly Jid[] | undefined {
  const lines = values.flatMap((value) => value.split('\n')).filter((value) => value.trim() !== '');
  const found = new Set<Jid>();
  for (const line of lines) {
    const node = parseJid(line.trim());
    if (node === undefined) return undefined;
    found.add(bareOf(node));
  }
  return found.size <= nodesMax ? [...found] : undefined;
}

function changed({ federation }: RoomSettings, parts: Partial<FederationSettings> | undefined) {
  return parts === undefined ? undefined : { federation: { ...federation, ...parts } };
}

function nodes(key: 'outbound' | 'allowed' | 'mayKick', name: string, label: string): SettingField {
  return {
    var: `{${NS.ext}}fmuc_${name}`,
    type: 'jid-multi',
    label,
    write: ({ federation }) => federation[key],
    read(values, before) {
      const found = readNodes(values);
      return changed(before, found && { [key]: found });
    },
  };
}

function flag(key: 'enabled' | 'resync' | 'keepalive', label: string): SettingField {
  return {
    var: `{${NS.ext}}fmuc_${key}`,
    type: 'boolean',
    label,
    write: ({ federation }) => [federation[key] ? '1' : '0'],
    read(values, before) {
      const value = readBoolean(values);
      return changed(before, value === undefined ? undefined : { [key]: value });
    },
  };
}

function choice(
  key: 'others' | 'collision',
  label: string,
  options: readonly (readonly [value: string, label: string])[],
): SettingField {
  return {
    var: `{${NS.ext}}fmuc_${key}`,
    type: 'list-single',
    label,
    options,
    write: ({ federation }) => [federation[key]],
    read([value], before) {
      const known = options.find(([name]) => name === value)?.[0];
      return changed(before, known === undefined ? undefined : { [key]: known });
    },
  };
}

const modeOptions = [
  ['primary-primary', 'Each room goes on without the others'],
  ['primary-replica', 'A room that joins another waits for its echo'],
] as const;

const modes: SettingField = {
  var: `{${NS.ext}}fmuc_mode`,
  type: 'list-single',
  label: 'Mode',
  options: modeOptions,
  write: ({ federation }) => [modeIn(federation)],
  read([value], before) {
    const known = modeOptions.find(([name]) => name === value)?.[0];
    return changed(before, known && { awaitsEcho: known === 'primary-replica' });
  },
};

/** XEP-0289 §2. */
export function modeIn({ awaitsEcho }: FederationSettings): FmucMode {
  return awaitsEcho ? 'primary-replica' : 'primary-primary';
}

const whoSees = [
  ['all', 'All that are linked'],
  ['listed', 'Those that are named'],
] as const;

const seesJids: SettingField = {
  var: `{${NS.ext}}fmuc_jids`,
  type: 'list-single',
  label: 'Rooms that are Told Real Addresses',
  options: whoSees,
  write: ({ federation }) => [federation.seeJids === 'all' ? 'all' : 'listed'],
  read([value], before) {
    const { seeJids } = before.federation;
    if (value === 'all') return changed(before, { seeJids: 'all' });
    return changed(before, value === 'listed' ? { seeJids: seeJids === 'all' ? [] : seeJids } : undefined);
  },
};

/** Whoever names rooms means those alone. */
const seeingNodes: SettingField = {
  var: `{${NS.ext}}fmuc_nodes_see_jids`,
  type: 'jid-multi',
  label: 'Those that are Named',
  write: ({ federation }) => (federation.seeJids === 'all' ? [] : federation.seeJids),
  read(values, before) {
    const found = readNodes(values);
    if (found?.length === 0 && before.federation.seeJids === 'all') return {};
    return changed(before, found && { seeJids: found });
  },
};

const history: SettingField = {
  var: `{${NS.ext}}fmuc_history_max`,
  type: 'text-single',
  label: 'Maximum Number of Messages that a Room that Joins is Sent',
  write: ({ federation }) => [String(federation.historyMax)],
  read([value = ''], before) {
    const count = /^\d{1,6}$/.test(value) ? Number(value) : Number.NaN;
    return changed(before, count <= historyMost ? { historyMax: count } : undefined);
  },
};

/** Decision #175. A domain stands for all rooms there. */
const blocked: SettingField = {
  var: `{${NS.ext}}fmuc_blocked_nodes`,
  type: 'jid-multi',
  label: 'Blocked Rooms and Services',
  write: ({ blockedNodes }) => blockedNodes,
  read(values) {
    const found = readNodes(values);
    return found && { blockedNodes: found };
  },
};

export const fmucFields: readonly SettingField[] = [
  flag('enabled', 'Federate with Other Rooms?'),
  nodes('outbound', 'outbound_node', 'Rooms that this Room Joins'),
  modes,
  nodes('allowed', 'allowed_nodes', 'Rooms and Services that May Join this Room'),
  choice('others', 'Rooms that Are Not on this List', [
    ['refuse', 'They are refused'],
    ['ask', 'They wait until an owner puts them on it'],
  ]),
  blocked,
  nodes('mayKick', 'nodes_may_kick', 'Rooms whose Moderators May Kick Users of this Room'),
  seesJids,
  seeingNodes,
  history,
  choice('collision', 'A User whose Nick is Taken on the Room that is Joined', [
    ['refuse', 'Has to leave'],
    ['rename', 'Gets another nick'],
  ]),
  flag('resync', 'After a Split, Exchange what Was Said Meanwhile?'),
  flag('keepalive', 'Ping Silent Rooms?'),
];

/** Whether such a list names this node. A domain stands for all rooms there. */
export function names(list: readonly Jid[], node: Jid): boolean {
  return list.includes(node) || list.includes(domainOf(node));
}

/** Decision #184: what cannot be at once, for the owner who submits it. */
export function contradiction(room: Jid, { federation }: RoomSettings): string | undefined {
  const { outbound, awaitsEcho, allowed, mayKick, seeJids } = federation;
  const noRoom = outbound.find((node) => domainOf(node) === node);
  if (noRoom !== undefined) return `${noRoom} is a service, and a room joins a room`;
  if ([...outbound, ...allowed].includes(room)) return 'a room cannot join itself';
  if (awaitsEcho && outbound.length > 1)
    return `in primary-replica mode a room joins one room, its primary, and not ${outbound.join(', ')}`;
  const both = awaitsEcho ? outbound.find((node) => allowed.includes(node)) : undefined;
  if (both !== undefined) return `${both} is the primary of this room, and cannot be its replica`;
  const known = (node: Jid) =>
    names([...outbound, ...allowed], node) || outbound.some((other) => domainOf(other) === node);
  const stranger = [...mayKick, ...(seeJids === 'all' ? [] : seeJids)].find((node) => !known(node));
  return stranger === undefined ? undefined : `${stranger} is no room that this one joins, or lets in`;
}
