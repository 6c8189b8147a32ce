/** What an owner may say of a primary in the room's configuration form: its replicas, and what they may do alone. */

import type { RoomSettings, SplitSettings } from '../../room/config.ts';
import type { SettingField } from '../../room/setting-field.ts';
import { readBoolean } from '../../xep/xep0004.ts';
import { bareOf, type Jid, parseJid } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';

/** A room with more replicas than that would send more copies than it saves. */
const replicasMax = 100;

const replicas: SettingField = {
  var: `{${NS.ext}}dmuc_replicas`,
  type: 'jid-multi',
  label: 'Replicas of this Room',
  write: ({ nodes }) => nodes,
  read(values) {
    const lines = values.flatMap((value) => value.split('\n')).filter((value) => value.trim() !== '');
    const found = new Set<Jid>();
    for (const line of lines) {
      const replica = parseJid(line.trim());
      if (replica === undefined) return undefined;
      found.add(bareOf(replica));
    }
    return found.size <= replicasMax ? { nodes: [...found] } : undefined;
  },
};

const policies = [
  ['freeze', 'It waits: leaving works, the rest does not'],
  ['local', 'It goes on for its own users'],
] as const;

const policy: SettingField = {
  var: `{${NS.ext}}dmuc_split_policy`,
  type: 'list-single',
  label: 'What a Replica Does while It Is Cut Off',
  options: policies,
  write: ({ split }) => [split.policy],
  read([value], before) {
    const known = policies.find(([name]) => name === value)?.[0];
    return known === undefined ? undefined : changed(before, { policy: known });
  },
};

/** A flag of XEP-0282 §4.11.1.2; those of the MAYs count where the policy is `local`. */
function flag(key: Exclude<keyof SplitSettings, 'policy'>, name: string, label: string): SettingField {
  return {
    var: `{${NS.ext}}dmuc_split_${name}`,
    type: 'boolean',
    label,
    write: ({ split }) => [split[key] ? '1' : '0'],
    read(values, before) {
      const value = readBoolean(values);
      return value === undefined ? undefined : changed(before, { [key]: value });
    },
  };
}

function changed({ split }: RoomSettings, parts: Partial<SplitSettings>): Pick<RoomSettings, 'split'> {
  return { split: { ...split, ...parts } };
}

/** Fields that replicas are told of, too (decision #15). */
export const splitFields: readonly SettingField[] = [
  policy,
  flag('chat', 'chat', 'While Cut Off: Local Conversation?'),
  flag('private', 'pm', 'While Cut Off: Private Messages between Local Users?'),
  flag('entry', 'entry', 'While Cut Off: May Users Enter, Provisionally?'),
  flag('kick', 'kick', 'While Cut Off: May Known Moderators Kick Local Users?'),
  flag('away', 'away', 'Mark Those who Are Cut Off as Away?'),
];

export const primaryFields: readonly SettingField[] = [replicas, ...splitFields];
