import * as kind from './kinds.ts';

type Fields = Readonly<Record<string, kind.Kind<unknown>>>;

interface Act {
  /** As it goes on after the name. */
  readonly does: string;
  readonly needs: Fields;
  readonly may?: Fields;
  /** One of those at least. */
  readonly needsOneOf?: true;
  readonly example: Readonly<Record<string, unknown>>;
}

const who = kind.person;
const ms = kind.number('milliseconds', 60_000);
const wallops = 'wallops@channel.avalon.irc';
const BigCheese = 'rubenro@vesa.yeggmaex.irc/shaver';
const someLink = ['avalon.irc', 'killrc.oulubox.irc'];
const replica = 'replica@vesa.yeggmaex.irc';
const coven = 'coven@chat.shakespeare.lit';
const peerhost = 'rooms.macbeth.lit';

/**
 * Everything that can be done on the page, or by a test with `window.lab`. The types, what is refused, and the table in the
 * README come of this.
 */
export const acts = {
  say: {
    does: 'says something to the room',
    needs: { who, text: kind.text },
    example: { act: 'say', who: BigCheese, text: 'Phaedrus, we are having a rotten time.' },
  },
  subject: {
    does: 'sets the subject of the room',
    needs: { who, text: kind.text },
    example: { act: 'subject', who: 'argl@killrc.oulubox.irc/laptop', text: 'the war of 1990' },
  },
  pm: {
    does: 'sends the occupant with the nick `to` a private message',
    needs: { who, to: kind.nick, text: kind.text },
    example: { act: 'pm', who: BigCheese, to: 'Wumpus', text: 'Are you there?' },
  },
  kick: {
    does: 'puts the occupant with this nick out of the room; the room lets moderators do so',
    needs: { who, nick: kind.nick },
    may: { reason: kind.text },
    example: { act: 'kick', who: 'argl@killrc.oulubox.irc/laptop', nick: 'Valdis', reason: 'enough' },
  },
  join: {
    does: 'enters the room of the last time, or another one; another resource of the account is a further device under the same nick',
    needs: { who: kind.entering },
    may: { room: kind.anyRoom },
    example: { act: 'join', who: 'rubenro@vesa.yeggmaex.irc/laptop' },
  },
  leave: {
    does: 'leaves the room',
    needs: { who },
    example: { act: 'leave', who: 'troy@eris.dclxvii.irc/screwdriver' },
  },
  accept: {
    does: 'goes where the room that they asked for sends them (`offer` in `state()`)',
    needs: { who },
    example: { act: 'accept', who: 'anotherwitch@macbeth.lit/broom' },
  },
  decline: {
    does: 'does not go there',
    needs: { who },
    example: { act: 'decline', who: 'anotherwitch@macbeth.lit/broom' },
  },
  nick: {
    does: 'changes the nick',
    needs: { who, nick: kind.nick },
    example: { act: 'nick', who: BigCheese, nick: 'Brie' },
  },
  presence: {
    does: 'is away, busy, or available again (`""`)',
    needs: { who, show: kind.oneOf('', 'away', 'chat', 'dnd', 'xa') },
    may: { status: kind.text },
    example: { act: 'presence', who: BigCheese, show: 'away', status: 'lunch' },
  },
  cut: {
    does: 'cuts a link: what is sent over it bounces, or vanishes',
    needs: { link: kind.link, how: kind.oneOf('bounce', 'silent') },
    example: { act: 'cut', link: someLink, how: 'bounce' },
  },
  heal: {
    does: 'makes a link carry stanzas again',
    needs: { link: kind.link },
    example: { act: 'heal', link: someLink },
  },
  slow: {
    does: 'makes a link slower or quicker (`bytesPerSecond` 0: unlimited)',
    needs: { link: kind.link, latencyMs: ms, jitterMs: ms, bytesPerSecond: kind.number('a number of bytes', 1e12) },
    example: { act: 'slow', link: someLink, latencyMs: 200, jitterMs: 0, bytesPerSecond: 9600 },
  },
  pause: {
    does: 'holds everything on all links, or lets it go on',
    needs: { paused: kind.flag },
    example: { act: 'pause', paused: true },
  },
  crash: {
    does: 'ends the worker of a node; its log stays',
    needs: { node: kind.node },
    example: { act: 'crash', node: replica },
  },
  restart: {
    does: 'starts a node from its log; with `acceptLoss` also without what the log has lost',
    needs: { node: kind.node },
    may: { acceptLoss: kind.flag },
    example: { act: 'restart', node: replica },
  },
  'add-replica': {
    does: 'puts a replica on the list of a room, in the name of its owner, and starts it; `room` if there are several',
    needs: { server: kind.server },
    may: { room: kind.room },
    example: { act: 'add-replica', server: 'vesa.yeggmaex.irc' },
  },
  'remove-replica': {
    does: 'takes a replica off the list of its room, and ends it',
    needs: { node: kind.node },
    example: { act: 'remove-replica', node: replica },
  },
  'add-shadow': {
    does: 'has a service host a shadow of a source; `room` if there are several',
    needs: { node: kind.node },
    may: { room: kind.room },
    example: { act: 'add-shadow', node: peerhost, room: coven },
  },
  'remove-shadow': {
    does: 'has a service host a shadow no more',
    needs: { node: kind.node },
    may: { room: kind.room },
    example: { act: 'remove-shadow', node: peerhost, room: coven },
  },
  configure: {
    does: 'changes what replicas do while they are cut off (what is left out stays), or whether a source has shadows',
    needs: { room: kind.room },
    may: { split: kind.split, distributed: kind.flag },
    needsOneOf: true,
    example: { act: 'configure', room: wallops, split: { policy: 'local', entry: true } },
  },
} as const satisfies Readonly<Record<string, Act>>;

export type ActName = keyof typeof acts;

type MayOf<A> = A extends { readonly may: infer F } ? F : Record<never, never>;
type Values<F> = { readonly [Name in keyof F]: kind.ValueOf<F[Name]> };

/** What a person does on the page, or a test by `window.lab`. */
export type Action = {
  [N in ActName]: { readonly act: N } & Values<(typeof acts)[N]['needs']> & Partial<Values<MayOf<(typeof acts)[N]>>>;
}[ActName];

export type ActionOf<N extends ActName> = Extract<Action, { readonly act: N }>;

const names = Object.keys(acts) as ActName[];

/** @returns what is wrong with an act, and what would be right; undefined if it is one */
export function mistakeIn(given: unknown, known: kind.Known): string | undefined {
  if (typeof given !== 'object' || given === null)
    return `an act is an object, for example ${JSON.stringify(acts.say.example)}`;
  const { act, ...values } = given as Readonly<Record<string, unknown>>;
  const name = names.find((one) => one === act);
  if (name === undefined) return `there is no act ${kind.shown(act)}; the acts are ${names.join(', ')}`;
  const { needs, may = {}, needsOneOf }: Act = acts[name];
  const fields: Fields = { ...needs, ...may };
  const wrong = (what: string) => `${what}; ${usage(acts[name])}`;
  const isGiven = (field: string) => values[field] !== undefined;
  for (const field of Object.keys(values))
    if (!Object.hasOwn(fields, field)) return wrong(`${name} has no field ${field}`);
  for (const field of Object.keys(needs)) if (!isGiven(field)) return wrong(`${name} lacks ${field}`);
  if (needsOneOf && !Object.keys(may).some(isGiven)) return wrong(`${name} lacks ${Object.keys(may).join(' or ')}`);
  for (const [field, { is, fits, unknown }] of Object.entries(fields)) {
    const value = values[field];
    if (value === undefined) continue;
    if (!fits(value)) return wrong(`${field} of ${name} is ${kind.shown(value)}, and has to be ${plain(is)}`);
    const why = unknown?.(value, known);
    if (why !== undefined) return why;
  }
  return undefined;
}

/** All fields of an act, and an example. */
function usage({ needs, may = {}, example }: Act): string {
  const told = Object.entries({ ...needs, ...may }).map(
    ([field, { is }]) => `${field}${Object.hasOwn(may, field) ? ' (optional)' : ''}: ${plain(is)}`,
  );
  return `its fields are ${told.join('; ')}; for example ${JSON.stringify(example)}`;
}

/** Without the marks of code. */
function plain(words: string): string {
  return words.replaceAll('`', '');
}
