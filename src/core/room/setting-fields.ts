/** What an owner may set: the fields of the configuration form with a setting behind each (XEP-0045 §10.2, §15.5.3). */
import { readBoolean } from '../xep/xep0004.ts';
import { type Role, roles } from '../xep/xep0045.ts';
import { NS } from '../xmpp/namespaces.ts';
import { readCount } from '../xmpp/xml.ts';
import { defaultSettings, type RoomSettings } from './config.ts';
import type { SettingField } from './setting-field.ts';

type KeyOf<T> = { [K in keyof RoomSettings]: RoomSettings[K] extends T ? K : never }[keyof RoomSettings];

const setting = <K extends keyof RoomSettings>(key: K, value: RoomSettings[K] | undefined) =>
  value === undefined ? undefined : ({ [key]: value } as Pick<RoomSettings, K>);

// XEP-0004 §3.3: of a list-multi at least one is chosen, so that no role at all has an option of its own.
const shownRoles: readonly (readonly [Role, string])[] = [
  ['moderator', 'Moderator'],
  ['participant', 'Participant'],
  ['visitor', 'Visitor'],
  ['none', 'Nobody'],
];

type TextKey = 'name' | 'description' | 'language' | 'logsUrl';

function text(key: TextKey, name: string, label: string, isAllowed = (_: string) => true): SettingField {
  return {
    var: name,
    type: 'text-single',
    label,
    write: ({ [key]: value }) => (value === '' ? [] : [value]),
    read: ([value = '']) => setting(key, value.length <= 1024 && isAllowed(value) ? value : undefined),
  };
}

/** A number of messages. Without a value it is the one that a new room has. */
function messages(key: 'historyMax' | 'historyDefault', name: string, label: string): SettingField {
  return {
    var: name,
    type: 'text-single',
    label,
    write: ({ [key]: value }) => [String(value)],
    read: ([value]) => setting(key, value === undefined ? defaultSettings[key] : readCount(value, 6)),
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
    write: ({ [key]: chosen }) => (chosen.length === 0 ? ['none'] : chosen),
    read(values) {
      const known = roles.filter((role) => values.includes(role));
      const chosen = known.filter((role) => role !== 'none');
      return setting(key, known.length === new Set(values).size ? chosen : undefined);
    },
  };
}

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
    // As others have it: 0, or nothing, is no limit.
    empty: ['none'],
    write: ({ maxOccupants }) => [String(maxOccupants)],
    read([value]) {
      const max = value === 'none' ? 0 : readCount(value, 6);
      return setting('maxOccupants', max === 0 ? 'none' : max);
    },
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
  messages('historyMax', 'muc#maxhistoryfetch', 'Maximum Number of History Messages Returned by Room'),
  // The same under the name by which Prosody's clients know it.
  messages('historyMax', 'muc#roomconfig_historylength', 'Maximum Number of History Messages Returned by Room'),
  messages(
    'historyDefault',
    'muc#roomconfig_defaulthistorymessages',
    'Number of History Messages for Those Who Do Not Ask for a Number',
  ),
  flag('nicksLocked', `{${NS.ext}}nicks_locked`, 'Lock Nicknames?'),
  flag('allowRegistration', `{${NS.ext}}allow_registration`, 'Allow Users to Register as Members?'),
  flag(
    'membersOnlyRegistration',
    `{${NS.ext}}members_only_registration`,
    'Allow Users to Register as Members Also While the Room Is Members-Only?',
  ),
  flag('ownersAreContacts', `{${NS.ext}}owners_are_contacts`, 'Name the Owners to Everybody as Contacts?'),
  text('logsUrl', `{${NS.ext}}logs_url`, 'URL of the Archived Discussions', (url) => /^(https?:|xmpp:|$)/.test(url)),
];
