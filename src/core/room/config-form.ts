import { type Field, type Form, readBoolean } from '../xep/xep0004.ts';
import { type Affiliation, type Role, roles } from '../xep/xep0045.ts';
import { bareOf, type Jid, parseJid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { readCount } from '../xmpp/xml.ts';
import type { RoomConfig, RoomSettings } from './config.ts';
import type { RoomView } from './state.ts';

/** FORM_TYPE of the form (XEP-0045 §15.5.3). */
export const roomConfigForm = 'http://jabber.org/protocol/muc#roomconfig';

/** One field and the setting behind it: `read` returns undefined for a value that it does not take. */
interface SettingField<K extends keyof RoomSettings> {
  readonly key: K;
  readonly var: string;
  readonly type: NonNullable<Field['type']>;
  readonly label: string;
  readonly options?: Field['options'];
  /** Whether the field is for a room of this kind; absent: for every room. */
  readonly of?: RoomConfig['distribution']['kind'];
  write(value: RoomSettings[K]): readonly string[];
  read(values: readonly string[]): RoomSettings[K] | undefined;
}

const shownRoles: readonly (readonly [Role, string])[] = [
  ['moderator', 'Moderator'],
  ['participant', 'Participant'],
  ['visitor', 'Visitor'],
];

function text<K extends 'name' | 'description' | 'language'>(key: K, name: string, label: string): SettingField<K> {
  return {
    key,
    var: name,
    type: 'text-single',
    label,
    write: (value) => (value === '' ? [] : [value]),
    read: ([value = '']) => (value.length <= 1024 ? (value as RoomSettings[K]) : undefined),
  };
}

/** A flag of XEP-0282 §4.11.1.2; it counts where the policy is `local`. */
function split<K extends BooleanKey>(key: K, name: string, label: string): SettingField<K> {
  return { ...flag(key, `{${NS.ext}}dmuc_split_${name}`, label), of: 'primary' };
}

type BooleanKey = { [K in keyof RoomSettings]: RoomSettings[K] extends boolean ? K : never }[keyof RoomSettings];
function flag<K extends BooleanKey>(key: K, name: string, label: string): SettingField<K> {
  return {
    key,
    var: name,
    type: 'boolean',
    label,
    write: (value) => [value ? '1' : '0'],
    read: (values) => readBoolean(values) as RoomSettings[K] | undefined,
  };
}

function choice<K extends 'whois' | 'allowPm' | 'splitPolicy'>(
  key: K,
  name: string,
  label: string,
  options: readonly (readonly [RoomSettings[K] & string, string])[],
): SettingField<K> {
  return {
    key,
    var: name,
    type: 'list-single',
    label,
    options,
    write: (value) => [value],
    read: ([value]) => options.find(([known]) => known === value)?.[0],
  };
}

function roleList<K extends 'presenceBroadcast' | 'memberList'>(key: K, name: string, label: string): SettingField<K> {
  return {
    key,
    var: name,
    type: 'list-multi',
    label,
    options: shownRoles,
    write: (value) => value,
    read(values) {
      const known = roles.filter((role) => values.includes(role));
      return known.length === new Set(values).size ? known : undefined;
    },
  };
}

/** A room with more replicas than that would send more copies than it saves. */
const replicasMax = 100;

const count = ([value]: readonly string[]) => readCount(value, 6);

// The order in which clients show them: XEP-0045 Example "Service Sends Configuration Form".
const fields: readonly SettingField<never>[] = [
  text('name', 'muc#roomconfig_roomname', 'Natural-Language Room Name'),
  text('description', 'muc#roomconfig_roomdesc', 'Short Description of Room'),
  text('language', 'muc#roomconfig_lang', 'Natural Language for Room Discussions'),
  flag('logging', 'muc#roomconfig_enablelogging', 'Keep an archive that those in the room may read?'),
  flag('changeSubject', 'muc#roomconfig_changesubject', 'Allow Occupants to Change Subject?'),
  flag('allowInvites', 'muc#roomconfig_allowinvites', 'Allow Members to Invite Others?'),
  choice('allowPm', 'muc#roomconfig_allowpm', 'Who Can Send Private Messages?', [
    ['anyone', 'Anyone'],
    ['participants', 'Anyone with Voice'],
    ['moderators', 'Moderators Only'],
    ['none', 'Nobody'],
  ]),
  {
    key: 'maxOccupants',
    var: 'muc#roomconfig_maxusers',
    type: 'list-single',
    label: 'Maximum Number of Occupants',
    options: [...['10', '20', '30', '50', '100', '1000'].map((max) => [max, max] as const), ['none', 'None']],
    write: (value: number | 'none') => [String(value)],
    read: (values) => (values[0] === 'none' ? 'none' : count(values)),
  } satisfies SettingField<'maxOccupants'>,
  roleList('presenceBroadcast', 'muc#roomconfig_presencebroadcast', 'Roles for which Presence is Broadcasted'),
  roleList('memberList', 'muc#roomconfig_getmemberlist', 'Roles that May Retrieve Member List'),
  flag('publicRoom', 'muc#roomconfig_publicroom', 'Make Room Publicly Searchable?'),
  flag('persistent', 'muc#roomconfig_persistentroom', 'Make Room Persistent?'),
  flag('moderated', 'muc#roomconfig_moderatedroom', 'Make Room Moderated?'),
  flag('membersOnly', 'muc#roomconfig_membersonly', 'Make Room Members-Only?'),
  choice('whois', 'muc#roomconfig_whois', 'Who May Discover Real JIDs?', [
    ['moderators', 'Moderators Only'],
    ['anyone', 'Anyone'],
  ]),
  {
    key: 'historyMax',
    var: 'muc#maxhistoryfetch',
    type: 'text-single',
    label: 'Maximum Number of History Messages Returned by Room',
    write: (value: number) => [String(value)],
    read: count,
  } satisfies SettingField<'historyMax'>,
  flag('nicksLocked', `{${NS.ext}}nicks_locked`, 'Lock Nicknames?'),
  flag('allowRegistration', `{${NS.ext}}allow_registration`, 'Allow Users to Register as Members?'),
  {
    key: 'replicas',
    of: 'primary',
    var: `{${NS.ext}}dmuc_replicas`,
    type: 'jid-multi',
    label: 'Replicas of this Room',
    write: (value: readonly Jid[]) => value,
    read(values) {
      const lines = values.flatMap((value) => value.split('\n')).filter((value) => value.trim() !== '');
      const found = new Set<Jid>();
      for (const line of lines) {
        const replica = parseJid(line.trim());
        if (replica === undefined) return undefined;
        found.add(bareOf(replica));
      }
      return found.size <= replicasMax ? [...found] : undefined;
    },
  } satisfies SettingField<'replicas'>,
  {
    ...choice('splitPolicy', `{${NS.ext}}dmuc_split_policy`, 'What a Replica Does while It Is Cut Off', [
      ['freeze', 'It waits: leaving works, the rest does not'],
      ['local', 'It goes on for its own users'],
    ]),
    of: 'primary',
  },
  split('splitChat', 'chat', 'While Cut Off: Local Conversation?'),
  split('splitPrivate', 'pm', 'While Cut Off: Private Messages between Local Users?'),
  split('splitEntry', 'entry', 'While Cut Off: May Users Enter, Provisionally?'),
  split('splitKick', 'kick', 'While Cut Off: May Known Moderators Kick Local Users?'),
  split('splitAway', 'away', 'Mark Those who Are Cut Off as Away?'),
] as unknown as readonly SettingField<never>[];

const passwordSwitch = 'muc#roomconfig_passwordprotectedroom';
const passwordField = 'muc#roomconfig_roomsecret';
const ownersField = 'muc#roomconfig_roomowners';
const adminsField = 'muc#roomconfig_roomadmins';

function holders(room: RoomView, affiliation: Affiliation): readonly Jid[] {
  return [...room.affiliations].filter(([, held]) => held === affiliation).map(([user]) => user);
}

/** The fields that mean something in this room. */
function fieldsOf({ config }: RoomView): readonly SettingField<never>[] {
  return fields.filter(({ of }) => of === undefined || of === config.distribution.kind);
}

// What a replica acts by (XEP-0282 §4.2: "it might be useful to set some things"): who sees what, and what it may do alone.
const replicated: ReadonlySet<keyof RoomSettings> = new Set<keyof RoomSettings>([
  'whois',
  'moderated',
  'presenceBroadcast',
  'logging',
  'historyMax',
  'nicksLocked',
  'allowPm',
  'splitPolicy',
  'splitChat',
  'splitPrivate',
  'splitEntry',
  'splitKick',
  'splitAway',
]);

const toldFields = fields.filter(({ key }) => replicated.has(key));

/** What a primary tells its replicas of the configuration, in the fields that owners know. Decision #15. */
export function replicaForm({ config }: RoomView): Form {
  // Who may enter a closed room only the primary can say.
  const open = config.password === '' && !config.membersOnly;
  const told: RoomSettings = { ...config, splitEntry: config.splitEntry && open };
  return {
    type: 'result',
    formType: roomConfigForm,
    fields: toldFields.map(({ key, var: name, write }) => ({ var: name, values: write(told[key]) })),
  };
}

/** What a replica takes of it: a value that cannot be is as if absent. */
export function readReplicaForm(form: Form | undefined): Partial<RoomSettings> {
  const settings: Record<string, unknown> = {};
  for (const { key, var: name, read } of toldFields) {
    const values = form?.fields.find((field) => field.var === name)?.values;
    const value = values === undefined ? undefined : read(values);
    if (value !== undefined) settings[key] = value;
  }
  return settings as Partial<RoomSettings>;
}

/** The configuration as a form for its owner (XEP-0045 §10.1.3, §10.2). */
export function configForm(room: RoomView): Form {
  const { config } = room;
  const settings = fieldsOf(room).map(({ key, var: name, type, label, options, write }): Field => {
    const values = write(config[key]);
    return { var: name, type, label, values, ...(options ? { options } : {}) };
  });
  return {
    type: 'form',
    formType: roomConfigForm,
    title: `Configuration of ${room.jid}`,
    fields: [
      ...settings,
      {
        var: passwordSwitch,
        type: 'boolean',
        label: 'Password Required to Enter?',
        values: [config.password === '' ? '0' : '1'],
      },
      {
        var: passwordField,
        type: 'text-private',
        label: 'Password',
        values: config.password === '' ? [] : [config.password],
      },
      { var: adminsField, type: 'jid-multi', label: 'Room Admins', values: holders(room, 'admin') },
      { var: ownersField, type: 'jid-multi', label: 'Room Owners', values: holders(room, 'owner') },
    ],
  };
}

export type ReadConfig =
  | { readonly ok: true; readonly changes: Partial<RoomSettings>; readonly affiliations: ReadonlyMap<Jid, Affiliation> }
  | { readonly ok: false; readonly error: string };

/**
 * What a submitted form changes. Fields that are not in it stay as they are (XEP-0004 §3.2 lets a client leave out what
 * it does not change); unknown fields are ignored; a known field with a value it cannot have refuses the whole form.
 */
export function readConfigForm(room: RoomView, form: Form): ReadConfig {
  if (form.formType !== undefined && form.formType !== roomConfigForm)
    return { ok: false, error: `FORM_TYPE is ${form.formType}` };
  const changes: Record<string, unknown> = {};
  const submitted = new Map(form.fields.map((field) => [field.var, field.values]));
  for (const { key, var: name, read, write } of fieldsOf(room)) {
    const values = submitted.get(name);
    if (values === undefined) continue;
    const value = read(values);
    if (value === undefined) return { ok: false, error: `${name} cannot be ${JSON.stringify(values.join(', '))}` };
    if (JSON.stringify(write(value)) !== JSON.stringify(write(room.config[key]))) changes[key] = value;
  }
  const protect = submitted.get(passwordSwitch);
  const secret = submitted.get(passwordField)?.[0];
  if (protect !== undefined || secret !== undefined) {
    const wanted = protect === undefined ? secret !== undefined && secret !== '' : readBoolean(protect);
    if (wanted === undefined) return { ok: false, error: `${passwordSwitch} is a boolean` };
    const password = wanted ? (secret ?? room.config.password) : '';
    if (wanted && password === '') return { ok: false, error: 'a password-protected room needs a password' };
    if (password !== room.config.password) changes['password'] = password;
  }
  const affiliations = new Map<Jid, Affiliation>();
  for (const [name, affiliation] of [
    [adminsField, 'admin'],
    [ownersField, 'owner'],
  ] as const) {
    const values = submitted
      .get(name)
      ?.flatMap((value) => value.split('\n'))
      .filter((value) => value.trim() !== '');
    if (values === undefined) continue;
    const users: Jid[] = [];
    for (const value of values) {
      const user = parseJid(value.trim());
      if (user === undefined) return { ok: false, error: `${name}: ${JSON.stringify(value)} is no JID` };
      users.push(bareOf(user));
    }
    for (const user of holders(room, affiliation)) if (!users.includes(user)) affiliations.set(user, 'none');
    for (const user of users) affiliations.set(user, affiliation);
  }
  for (const [user, affiliation] of [...affiliations])
    if (room.affiliationOf(user) === affiliation) affiliations.delete(user);
  return { ok: true, changes: changes as Partial<RoomSettings>, affiliations };
}

/** §10.2.1: 104 for any change, with 170 to 173 for those that concern privacy. */
export function statusesOf(changes: Partial<RoomSettings>): readonly number[] {
  const statuses: number[] = [];
  if (changes.logging !== undefined) statuses.push(changes.logging ? 170 : 171);
  if (changes.whois !== undefined) statuses.push(changes.whois === 'anyone' ? 172 : 173);
  const others = Object.keys(changes).some((key) => key !== 'logging' && key !== 'whois');
  return others ? [104, ...statuses] : statuses;
}
