/** XEP-0281 §3.1: what an owner may say of the distribution in the room's configuration form. */
import type { RoomSettings } from '../../room/config.ts';
import type { SettingField } from '../../room/setting-field.ts';
import { readBoolean } from '../../xep/xep0004.ts';
import { domainOf, type Jid, parseJid } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';

/** Services that a room can name. */
const peerhostsMax = 100;

const distributed: SettingField = {
  var: 'muc#roomconfig_distributed',
  type: 'boolean',
  label: 'Distribute Room Across Multiple Services?',
  write: (settings) => [settings.distributed ? '1' : '0'],
  read(values) {
    const value = readBoolean(values);
    return value === undefined ? undefined : { distributed: value };
  },
};

/** @returns undefined if one of them is no service */
function readServices(values: readonly string[]): readonly Jid[] | undefined {
  const found = new Set<Jid>();
  for (const line of values.flatMap((value) => value.split('\n')).filter((value) => value.trim() !== '')) {
    const service = parseJid(line.trim());
    if (service === undefined || domainOf(service) !== service) return undefined;
    found.add(service);
  }
  return found.size <= peerhostsMax ? [...found] : undefined;
}

const peerhosts: SettingField = {
  var: `{${NS.ext}}dmuc_peerhosts`,
  type: 'jid-multi',
  label: 'Services that Host the Room, too',
  write: ({ nodes }) => nodes,
  read(values) {
    const found = readServices(values);
    return found && { nodes: found };
  },
};

/** Where the service distributes rooms in the background, owners are not asked whether. */
export const backgroundFields: readonly SettingField[] = [peerhosts];
export const sourceFields: readonly SettingField[] = [distributed, peerhosts];

/** What cannot be at once, for the owner who submits it. */
export function contradiction(room: Jid, { nodes }: RoomSettings): string | undefined {
  const own = nodes.find((service) => service === domainOf(room));
  return own === undefined ? undefined : `${own} hosts the room already`;
}
