import { type Field, type Form, givenValues, readBoolean } from '../xep/xep0004.ts';
import type { Affiliation } from '../xep/xep0045.ts';
import { type Jid, parseJid } from '../xmpp/jid.ts';
import { utf8Length } from '../xmpp/xml.ts';
import { listsAreFull } from './bounds.ts';
import type { RoomSettings } from './config.ts';
import { type Refusal, refusal } from './refusal.ts';
import { readSetting, type SettingField } from './setting-field.ts';
import { settingFields } from './setting-fields.ts';
import type { RoomView } from './state.ts';
import { userMeant } from './user-meant.ts';

/** FORM_TYPE of the form (XEP-0045 §15.5.3). */
export const roomConfigForm = 'http://jabber.org/protocol/muc#roomconfig';

/** Characters of a password: it goes out with every invitation. */
const passwordMax = 1024;

const passwordSwitch = 'muc#roomconfig_passwordprotectedroom';
const passwordField = 'muc#roomconfig_roomsecret';
const ownersField = 'muc#roomconfig_roomowners';
const adminsField = 'muc#roomconfig_roomadmins';

function holders(room: RoomView, affiliation: Affiliation): readonly Jid[] {
  return [...room.affiliations].filter(([, held]) => held === affiliation).map(([user]) => user);
}

/** Addresses in one field, and their length in bytes: two such fields fit into one stanza. */
const holdersMax = 1000;
const holdersBytesMax = 128 * 1024;

/** Decision #122: a list that is too long for the form is not in it, and so stays as it is. There are requests for it (§10.5). */
function holdersField(room: RoomView, name: string, label: string, affiliation: Affiliation): Field {
  const values = holders(room, affiliation);
  const bytes = values.reduce((sum, user) => sum + '<value></value>'.length + utf8Length(user), 0);
  if (values.length <= holdersMax && bytes <= holdersBytesMax) return { var: name, type: 'jid-multi', label, values };
  return { var: '', type: 'fixed', values: [`${label}: ${values.length}, which are too many to be listed here`] };
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
      holdersField(room, adminsField, 'Room Admins', 'admin'),
      holdersField(room, ownersField, 'Room Owners', 'owner'),
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
 * What a submitted form changes. Fields that are not in it stay as they are (XEP-0004 §3.5), and so do fields that say what
 * is so already; unknown fields are ignored (§3.1); a known field with a value it cannot have refuses the whole form. What a
 * field without a value means: readSetting.
 */
export function readConfigForm(room: RoomView, more: readonly SettingField[], form: Form): SubmittedConfig | Refusal {
  if (form.formType !== undefined && form.formType !== roomConfigForm)
    return notAcceptable(`FORM_TYPE is ${form.formType}`);
  const { config } = room;
  let changes: Partial<RoomSettings> = {};
  const submitted: Submitted = new Map(form.fields.map((field) => [field.var, field.values]));
  for (const field of [...settingFields, ...more]) {
    const values = submitted.get(field.var);
    if (values === undefined) continue;
    const change = readSetting(field, values, { ...config, ...changes });
    if (change === undefined || change.nodes?.includes(room.jid))
      return notAcceptable(`${field.var} cannot be ${JSON.stringify(values.join(', ').slice(0, 200))}`);
    // Two fields may have one setting: it is the one that says something else than before that counts.
    if (JSON.stringify(field.write({ ...config, ...change })) !== JSON.stringify(field.write(config)))
      changes = { ...changes, ...change };
  }
  const password = readPassword(config.password, submitted);
  if (typeof password !== 'string') return password;
  if (password !== config.password) changes = { ...changes, password };
  const affiliations = readAffiliations(room, submitted);
  return 'kind' in affiliations ? affiliations : { kind: 'submitted', changes, affiliations };
}

/** Values of a submitted form by field. */
type Submitted = ReadonlyMap<string, readonly string[]>;

function notAcceptable(text: string): Refusal {
  return refusal('modify', 'not-acceptable', '0045#10.2', text);
}

/** The password from now on; empty for none. §10.1.3: one that is wanted and blank is not acceptable. */
function readPassword(before: string, submitted: Submitted): string | Refusal {
  const protect = submitted.get(passwordSwitch);
  const field = submitted.get(passwordField);
  const secret = field && (givenValues(field)[0] ?? '');
  const wanted = protect === undefined ? (secret ?? before) !== '' : readBoolean(protect);
  if (wanted === undefined) return notAcceptable(`${passwordSwitch} is a boolean`);
  const password = wanted ? (secret ?? before) : '';
  if (password.length > passwordMax) return notAcceptable(`a password may have ${passwordMax} characters`);
  return wanted && password === ''
    ? notAcceptable(`${passwordField} is empty, and ${passwordSwitch} says that a password is needed`)
    : password;
}

/** Who gets another affiliation: those who are named, and those who are named no more. */
function readAffiliations(room: RoomView, submitted: Submitted): ReadonlyMap<Jid, Affiliation> | Refusal {
  const affiliations = new Map<Jid, Affiliation>();
  for (const [name, affiliation] of [
    [adminsField, 'admin'],
    [ownersField, 'owner'],
  ] as const) {
    const values = submitted
      .get(name)
      ?.flatMap((value) => value.split('\n'))
      .filter((value) => value.trim() !== '');
    // A room keeps at least one owner (§10.5), so a list of none says nothing (decision #101).
    if (values === undefined || (values.length === 0 && affiliation === 'owner')) continue;
    const users: Jid[] = [];
    for (const value of values) {
      const address = parseJid(value.trim());
      const user = address && userMeant(room, address);
      if (user === undefined) return notAcceptable(`${name}: ${JSON.stringify(value.slice(0, 200))} is no user's JID`);
      users.push(user);
    }
    for (const user of holders(room, affiliation)) if (!users.includes(user)) affiliations.set(user, 'none');
    for (const user of users) affiliations.set(user, affiliation);
  }
  for (const [user, affiliation] of [...affiliations])
    if (room.affiliationOf(user) === affiliation) affiliations.delete(user);
  const added = [...affiliations].flatMap(([user, affiliation]) => (affiliation === 'none' ? [] : [user]));
  return listsAreFull(room, added) ?? affiliations;
}

/** §10.2.1: 104 for any change, with 170 to 173 for those that concern privacy. */
export function statusesOf(changes: Partial<RoomSettings>): readonly number[] {
  const statuses: number[] = [];
  if (changes.logging !== undefined) statuses.push(changes.logging ? 170 : 171);
  if (changes.whois !== undefined) statuses.push(changes.whois === 'anyone' ? 172 : 173);
  const others = Object.keys(changes).some((key) => key !== 'logging' && key !== 'whois');
  return others ? [104, ...statuses] : statuses;
}
