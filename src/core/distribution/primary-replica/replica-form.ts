/** What a primary tells its replicas of the room's configuration, in the fields that owners know. Decision #15. */
import type { RoomSettings } from '../../room/config.ts';
import { roomConfigForm } from '../../room/config-form.ts';
import { readSetting } from '../../room/setting-field.ts';
import { settingFields } from '../../room/setting-fields.ts';
import type { RoomView } from '../../room/state.ts';
import type { Form } from '../../xep/xep0004.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { splitFields } from './config-fields.ts';

// What a replica acts by (XEP-0282 §4.2: "it might be useful to set some things"): who sees what, and what it may do alone.
const told: ReadonlySet<string> = new Set([
  'muc#roomconfig_enablelogging',
  'muc#roomconfig_allowpm',
  'muc#roomconfig_presencebroadcast',
  'muc#roomconfig_moderatedroom',
  'muc#roomconfig_whois',
  'muc#maxhistoryfetch',
  'muc#roomconfig_defaulthistorymessages',
  `{${NS.ext}}nicks_locked`,
]);

const toldFields = [...settingFields.filter((field) => told.has(field.var)), ...splitFields];

/** Hashes of the room's avatar, which its users are told of (decision #115); without one the field is left out. */
const avatarField = `{${NS.ext}}avatar_hash`;
const avatarsMax = 10;

export function replicaForm({ config }: Pick<RoomView, 'config'>): Form {
  // Who may enter a closed room only the primary can say.
  const open = config.password === '' && !config.membersOnly;
  const settings: RoomSettings = { ...config, split: { ...config.split, entry: config.split.entry && open } };
  return {
    type: 'result',
    formType: roomConfigForm,
    fields: [
      ...toldFields.map(({ var: name, write }) => ({ var: name, values: write(settings) })),
      ...(config.avatars.length === 0 ? [] : [{ var: avatarField, values: config.avatars }]),
    ],
  };
}

/** What a replica takes of it: a value that cannot be is as if absent. */
export function readReplicaForm({ config }: RoomView, form: Form | undefined): Partial<RoomSettings> {
  let changes: Partial<RoomSettings> = {};
  for (const setting of toldFields) {
    const values = form?.fields.find((field) => field.var === setting.var)?.values;
    if (values !== undefined) changes = { ...changes, ...readSetting(setting, values, { ...config, ...changes }) };
  }
  const hashes = form?.fields.find((field) => field.var === avatarField)?.values ?? [];
  const avatars = hashes.filter((hash) => /^[0-9a-f]{40}$/.test(hash)).slice(0, avatarsMax);
  // Users are told of a new one, and not again of the one that they know.
  return avatars.join() === config.avatars.join() ? changes : { ...changes, avatars };
}
