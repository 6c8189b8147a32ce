import { type Field, type Form, readBoolean } from '../xep/xep0004.ts';
import { type Affiliation, type Role, roles } from '../xep/xep0045.ts';
import { bareOf, type Jid, parseJid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { readCount } from '../xmpp/xml.ts';
import type { RoomSettings } from './config.ts';
import { type Refusal, refusal } from './refusal.ts';
import type { SettingField } from './setting-field.ts';
import type { RoomView } from './state.ts';

/** FORM_TYPE of the form (XEP-0045 §15.5.3). */
export const roomConfigForm = 'http://jabber.org/protocol/muc#roomconfig';

type KeyOf<T> = { [K in keyof RoomSettings]: RoomSettings[K] extends T ? K : never }[keyof RoomSettings];

const setting = <K extends keyof RoomSettings>(key: K, value: RoomSettings[K] | undefined) =>
  value === undefined ? undefined : ({ [key]: value } as Pick<RoomSettings, K>);

const shownRoles: readonly (readonly [Role, string])[] = [
  ['moderator', 'Moderator'],
  ['participant', 'Participant'],
  ['visitor', 'Visitor'],
];

function text(key: 'name' | 'description' | 'language', name: string, label: string): SettingField {
  return {
    var: name,
    type: 'text-single',
    label,
    write: ({ [key]: value }) => (value === '' ? [] : [value]),
    read: ([value = '']) => setting(key, value.length <= 1024 ? value : undefined),
  };
}

function flag(key: KeyOf<boolean>, name: string, label: string): SettingField {
  return {
    var: name,
    type: 'boolean',
    label,
    write: ({ [key]: value }) => [value ? '1' : '0'],
    read: (values) => setting(key, readBoolean(values)),
  };
}

function choice<K extends 'whois' | 'allowPm'>(
  key: K,
  name: string,
  label: string,
  options: readonly (readonly [RoomSettings[K], string])[],
): SettingField {
  return {
    var: name,
    type: 'list-single',
    label,
    options,
    write: (settings) => [settings[key]],
    read: ([value]) => setting(key, options.find(([known]) => known === value)?.[0]),
  };
}

function roleList(key: 'presenceBroadcast' | 'memberList', name: string, label: string): SettingField {
  return {
    var: name,
    type: 'list-multi',
    label,
    options: shownRoles,
    write: (settings) => settings[key],
    read(values) {
      const known = roles.filter((role) => values.includes(role));
      return setting(key, known.length === new Set(values).size ? known : undefined);
    },
  };
}

const count = ([value]: readonly string[]) => readCount(value, 6);

// The order in which clients show them: XEP-0045 Example "Service Sends Configuration Form".
export const settingFields: readonly SettingField[] = [
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
    var: 'muc#roomconfig_maxusers',
    type: 'list-single',
    label: 'Maximum Number of Occupants',
    options: [...['10', '20', '30', '50', '100', '1000'].map((max) => [max, max] as const), ['none', 'None']],
    write: ({ maxOccupants }) => [String(maxOccupants)],
    read: (values) => setting('maxOccupants', values[0] === 'none' ? 'none' : count(values)),
  },
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
    var: 'muc#maxhistoryfetch',
    type: 'text-single',
    label: 'Maximum Number of History Messages Returned by Room',
    write: ({ historyMax }) => [String(historyMax)],
    read: (values) => setting('historyMax', count(values)),
  },
  flag('nicksLocked', `{${NS.ext}}nicks_locked`, 'Lock Nicknames?'),
  flag('allowRegistration', `{${NS.ext}}allow_registration`, 'Allow Users to Register as Members?'),
];

const passwordSwitch = 'muc#roomconfig_passwordprotectedroom';
const passwordField = 'muc#roomconfig_roomsecret';
const ownersField = 'muc#roomconfig_roomowners';
const adminsField = 'muc#roomconfig_roomadmins';

function holders(room: RoomView, affiliation: Affiliation): readonly Jid[] {
  return [...room.affiliations].filter(([, held]) => held === affiliation).map(([user]) => user);
}

/** The configuration as a form for its owner (XEP-0045 §10.1.3, §10.2). */
export function configForm(room: RoomView, more: readonly SettingField[]): Form {
  const { config } = room;
  const settings = [...settingFields, ...more].map(({ var: name, type, label, options, write }): Field => {
    const values = write(config);
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

/** What a submitted form changes. */
export interface SubmittedConfig {
  readonly kind: 'submitted';
  readonly changes: Partial<RoomSettings>;
  readonly affiliations: ReadonlyMap<Jid, Affiliation>;
}

/**
 * What a submitted form changes. Fields that are not in it stay as they are (XEP-0004 §3.2 lets a client leave out what
 * it does not change); unknown fields are ignored; a known field with a value it cannot have refuses the whole form.
 */
export function readConfigForm(room: RoomView, more: readonly SettingField[], form: Form): SubmittedConfig | Refusal {
  const no = (text: string) => refusal('modify', 'not-acceptable', '0045#10.2', text);
  if (form.formType !== undefined && form.formType !== roomConfigForm) return no(`FORM_TYPE is ${form.formType}`);
  let changes: Partial<RoomSettings> = {};
  const submitted = new Map(form.fields.map((field) => [field.var, field.values]));
  for (const { var: name, read, write } of [...settingFields, ...more]) {
    const values = submitted.get(name);
    if (values === undefined) continue;
    const before = { ...room.config, ...changes };
    const change = read(values, before);
    if (change === undefined) return no(`${name} cannot be ${JSON.stringify(values.join(', '))}`);
    if (JSON.stringify(write({ ...before, ...change })) !== JSON.stringify(write(before)))
      changes = { ...changes, ...change };
  }
  const protect = submitted.get(passwordSwitch);
  const secret = submitted.get(passwordField)?.[0];
  if (protect !== undefined || secret !== undefined) {
    const wanted = protect === undefined ? secret !== undefined && secret !== '' : readBoolean(protect);
    if (wanted === undefined) return no(`${passwordSwitch} is a boolean`);
    const password = wanted ? (secret ?? room.config.password) : '';
    if (wanted && password === '') return no('a password-protected room needs a password');
    if (password !== room.config.password) changes = { ...changes, password };
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
      if (user === undefined) return no(`${name}: ${JSON.stringify(value)} is no JID`);
      users.push(bareOf(user));
    }
    for (const user of holders(room, affiliation)) if (!users.includes(user)) affiliations.set(user, 'none');
    for (const user of users) affiliations.set(user, affiliation);
  }
  for (const [user, affiliation] of [...affiliations])
    if (room.affiliationOf(user) === affiliation) affiliations.delete(user);
  return { kind: 'submitted', changes, affiliations };
}

/** §10.2.1: 104 for any change, with 170 to 173 for those that concern privacy. */
export function statusesOf(changes: Partial<RoomSettings>): readonly number[] {
  const statuses: number[] = [];
  if (changes.logging !== undefined) statuses.push(changes.logging ? 170 : 171);
  if (changes.whois !== undefined) statuses.push(changes.whois === 'anyone' ? 172 : 173);
  const others = Object.keys(changes).some((key) => key !== 'logging' && key !== 'whois');
  return others ? [104, ...statuses] : statuses;
}
