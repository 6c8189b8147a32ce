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

export function replicaForm({ config }: RoomView): Form {
  // Who may enter a closed room only the primary can say.
  const open = config.password === '' && !config.membersOnly;
  const settings: RoomSettings = { ...config, split: { ...config.split, entry: config.split.entry && open } };
  return {
    type: 'result',
    formType: roomConfigForm,
    fields: toldFields.map(({ var: name, write }) => ({ var: name, values: write(settings) })),
  };
}

/** What a replica takes of it: a value that cannot be is as if absent. */
export function readReplicaForm({ config }: RoomView, form: Form | undefined): Partial<RoomSettings> {
  let changes: Partial<RoomSettings> = {};
  for (const setting of toldFields) {
    const values = form?.fields.find((field) => field.var === setting.var)?.values;
    if (values !== undefined) changes = { ...changes, ...readSetting(setting, values, { ...config, ...changes }) };
  }
  return changes;
}
