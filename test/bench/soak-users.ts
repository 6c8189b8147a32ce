/** The honest users of the soak: a process of its own, told by its parent what to do. They talk, come and go, and read archives. */
import type { Target } from './load.ts';
import { Occupant } from './occupant.ts';

export type UsersCommand =
  | { readonly do: 'begin'; readonly target: Target; readonly occupants: number; readonly rooms: number }
  | { readonly do: 'live'; readonly ms: number }
  | { readonly do: 'end' };

export interface Lived {
  readonly messages: number;
  readonly deliveries: number;
  readonly joins: number;
  readonly pages: number;
  readonly p50: number;
  readonly p99: number;
  readonly pageP50: number;
  readonly pageP99: number;
  /** How late the timers of the users' own process are: what the machine, and not the server, adds. */
  readonly lagP99: number;
}

export interface Ended {
  readonly messages: number;
  /** Copies that somebody in the room did not get, and messages that nobody got. */
  readonly lost: number;
  readonly outOfOrder: number;
  /** What the server said, or that it did not, to users whom it has cut off. */
  readonly cut: readonly string[];
  /** Users who left or came back, and were never told so. */
  readonly unanswered: number;
}

/** In one room, a second. */
const messagesEach = 2;
/** In all rooms together, a second. */
const joinsEach = 5;
const pagesEach = 5;
const beatMs = 5;
/** Messages that a room keeps in memory. */
const atHand = 1000;
const letterP = 'p'.charCodeAt(0);
const letterM = 'm'.charCodeAt(0);
const marker = Buffer.from('>@');
const archived = Buffer.from('urn:xmpp:mam:2');
const itself = Buffer.from('code="110"');
const gone = Buffer.from('type="unavailable"');

type Where = 'in' | 'leaving' | 'out';

interface User {
  readonly occupant: Occupant;
  readonly nick: string;
  readonly room: Room;
  where: Where;
  /** The next message in the order of the room; -1: that of the first that comes. */
  next: number;
  asked: number;
}

interface Room {
  readonly jid: string;
  readonly users: User[];
  /** The messages as whoever had them first had them. */
  readonly order: number[];
  readonly places: Map<number, number>;
}

let rooms: Room[] = [];
let users: User[] = [];
let said = 0;
let outOfOrder = 0;
const sentAt = new Map<number, number>();
let samples: number[] = [];
let pages: number[] = [];

async function begin({ target, occupants, rooms: count }: Extract<UsersCommand, { do: 'begin' }>): Promise<void> {
  rooms = Array.from({ length: count }, (_, i) => ({
    jid: `soak${i}@${target.rooms}`,
    users: [],
    order: [],
    places: new Map(),
  }));
  let next = 0;
  const one = async () => {
    while (next < occupants) {
      const i = next++;
      const room = rooms[i % count] as Room;
      const occupant = await Occupant.login(`n${i}`, target.url, target.domain, `u${i}`);
      room.users.push({ occupant, nick: `n${i}`, room, where: 'out', next: 0, asked: 0 });
    }
  };
  await Promise.all(Array.from({ length: 16 }, one));
  users = rooms.flatMap((room) => room.users);
  for (const user of users) user.occupant.watch((kind, frame, start, end) => heard(user, kind, frame, start, end));
  for (const room of rooms) {
    const [owner] = room.users as [User];
    const before = said;
    enter(owner, 0);
    await until(() => owner.where === 'in', `${room.jid} was not made`);
    owner.occupant.send(
      `<iq xmlns="jabber:client" type="set" id="o" to="${room.jid}"><query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit">${form}</x></query></iq>`,
    );
    // What a room keeps at hand is there from the start, so that memory shows what grows beyond that.
    for (let n = 0; n < atHand; n++) say(owner);
    await until(() => room.order.length === said - before, `${room.jid} did not take what was said`);
    for (const user of room.users) {
      if (user === owner) continue;
      user.next = room.order.length;
      enter(user, 0);
    }
    await until(() => room.users.every(({ where }) => where === 'in'), `not all are in ${room.jid}`);
  }
}

const field = (name: string, value: string) => `<field var="${name}"><value>${value}</value></field>`;
const form =
  field('FORM_TYPE', 'http://jabber.org/protocol/muc#roomconfig') +
  field('muc#roomconfig_persistentroom', '1') +
  field('muc#roomconfig_enablelogging', '1');

function enter({ occupant, nick, room }: User, history: number): void {
  occupant.send(
    `<presence xmlns="jabber:client" to="${room.jid}/${nick}"><x xmlns="http://jabber.org/protocol/muc"><history maxstanzas="${history}"/></x></presence>`,
  );
}

function heard(user: User, kind: number, frame: Buffer, start: number, end: number): void {
  const part = frame.subarray(start, end);
  if (kind === letterP) {
    if (part.indexOf(itself) >= 0) user.where = part.indexOf(gone) >= 0 ? 'out' : 'in';
  } else if (kind === letterM) {
    if (part.indexOf(archived) < 0) message(user, part);
  } else if (user.asked > 0) {
    pages.push(performance.now() - user.asked);
    user.asked = 0;
  }
}

function message(user: User, part: Buffer): void {
  const at = part.indexOf(marker);
  if (at < 0) return;
  let seq = 0;
  for (let k = at + 2; part[k] !== 0x40; k++) seq = seq * 10 + (part[k] as number) - 48;
  const { order, places } = user.room;
  let place = places.get(seq);
  if (place === undefined) {
    place = order.push(seq) - 1;
    places.set(seq, place);
  }
  // The history of a user who enters comes first, and what is said then follows it.
  if (user.next >= 0 && place !== user.next) outOfOrder++;
  user.next = place + 1;
  // What was said before is no measure of the way.
  if (part.indexOf('urn:xmpp:delay') < 0) samples.push(performance.now() - (sentAt.get(seq) ?? performance.now()));
}

async function live({ ms }: Extract<UsersCommand, { do: 'live' }>): Promise<Lived> {
  samples = [];
  pages = [];
  let joins = 0;
  const lags: number[] = [];
  let beat = performance.now();
  const beating = setInterval(() => {
    const now = performance.now();
    lags.push(Math.max(0, now - beat - beatMs));
    beat = now;
  }, beatMs);
  const before = said;
  const ends = performance.now() + ms;
  const some = () => users[Math.floor(Math.random() * users.length)] as User;
  for (let tick = 0; performance.now() < ends; tick++) {
    const room = rooms[tick % rooms.length] as Room;
    const speaker = room.users.find(({ where }, i) => where === 'in' && i >= tick % 50) ?? room.users[0];
    if (speaker?.where === 'in') say(speaker);
    const perTick = 1 / (messagesEach * rooms.length);
    if (Math.random() < joinsEach * perTick) {
      const user = some();
      if (user.where === 'in' && user.asked === 0 && user !== speaker) {
        user.where = 'leaving';
        user.next = -1;
        user.occupant.send(`<presence xmlns="jabber:client" to="${user.room.jid}/${user.nick}" type="unavailable"/>`);
        void until(() => user.where === 'out', 'a user could not leave').then(
          () => {
            user.next = -1;
            enter(user, 20);
            joins++;
          },
          () => undefined,
        );
      }
    }
    if (Math.random() < pagesEach * perTick) {
      const user = some();
      if (user.where === 'in' && user.asked === 0) {
        user.asked = performance.now();
        user.occupant.send(
          `<iq xmlns="jabber:client" type="set" id="a" to="${user.room.jid}"><query xmlns="urn:xmpp:mam:2"><set xmlns="http://jabber.org/protocol/rsm"><max>50</max><before/></set></query></iq>`,
        );
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 1000 * perTick));
  }
  clearInterval(beating);
  const at = (all: readonly number[], share: number) =>
    all[Math.min(all.length - 1, Math.floor(all.length * share))] ?? 0;
  const deliveries = samples.length;
  samples.sort((a, b) => a - b);
  pages.sort((a, b) => a - b);
  lags.sort((a, b) => a - b);
  return {
    ...{ messages: said - before, deliveries, joins, pages: pages.length },
    ...{ p50: at(samples, 0.5), p99: at(samples, 0.99), pageP50: at(pages, 0.5), pageP99: at(pages, 0.99) },
    lagP99: at(lags, 0.99),
  };
}

function say({ occupant, room }: User): void {
  const seq = said++;
  sentAt.set(seq, performance.now());
  sentAt.delete(seq - 10_000);
  occupant.send(
    `<message xmlns="jabber:client" to="${room.jid}" type="groupchat" id="m${seq}"><body>@${seq}@ Double, double toil and trouble; fire burn and caldron bubble.</body></message>`,
  );
}

/** Waits until all have all, as long as something comes. */
async function end(): Promise<Ended> {
  const missing = () =>
    said -
    rooms.reduce((sum, { order }) => sum + order.length, 0) +
    users.reduce((sum, { where, next, room }) => sum + (where === 'in' && next >= 0 ? room.order.length - next : 0), 0);
  await until(() => missing() === 0 && users.every(({ where }) => where === 'in'), '').catch(() => undefined);
  const ended = {
    ...{ messages: said, lost: missing(), outOfOrder },
    cut: users.flatMap(({ occupant }) => occupant.closed ?? []),
    unanswered: users.filter(({ where }) => where !== 'in').length,
  };
  for (const { occupant } of users) occupant.end();
  return ended;
}

async function until(holds: () => boolean, otherwise: string): Promise<void> {
  const late = performance.now() + 60_000;
  while (!holds()) {
    if (performance.now() > late) {
      const closed = users.find(({ occupant }) => occupant.closed !== undefined)?.occupant.closed;
      throw new Error(`${otherwise}${closed === undefined ? '' : `: ${closed}`}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const commands = { begin, live, end } as unknown as Record<string, (c: UsersCommand) => Promise<unknown>>;
const fail = (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) });
process.on('message', (command: UsersCommand) => {
  Promise.resolve(commands[command.do]?.(command)).then((result) => process.send?.({ result }), fail);
});
process.on('uncaughtException', fail);
process.on('disconnect', () => process.exit());
