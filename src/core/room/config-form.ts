import { type Field, type Form, readBoolean } from '../xep/xep0004.ts';
import { type Affiliation, type Role, roles } from '../xep/xep0045.ts';
import { bareOf, type Jid, parseJid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import type { RoomSettings } from './config.ts';
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

function choice<K extends 'whois' | 'allowPm'>(
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

const count = ([value = '']: readonly string[]) => (/^\d{1,6}$/.test(value) ? Number(value) : undefined);

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
] as unknown as readonly SettingField<never>[];

const passwordSwitch = 'muc#roomconfig_passwordprotectedroom';
const passwordField = 'muc#roomconfig_roomsecret';
const ownersField = 'muc#roomconfig_roomowners';
const adminsField = 'muc#roomconfig_roomadmins';

function holders(room: RoomView, affiliation: Affiliation): readonly Jid[] {
  return [...room.affiliations].filter(([, held]) => held === affiliation).map(([user]) => user);
}

/** The configuration as a form for its owner (XEP-0045 §10.1.3, §10.2). */
export function configForm(room: RoomView): Form {
  const { config } = room;
  const settings = fields.map(({ key, var: name, type, label, options, write }): Field => {
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
  for (const { key, var: name, read, write } of fields) {
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
