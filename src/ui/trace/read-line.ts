import type {
  HopRecord,
  LinkRecord,
  OccupantStatus,
  PeerStatus,
  RoomChange,
  RoomStatus,
  SessionRecord,
  StatusRecord,
  StepRecord,
  TracedStanza,
} from '../../core/node/trace.ts';
import type { Sign } from '../../core/turn/spec.ts';
import type { Instant } from '../../core/xmpp/time.ts';
import { type Fields, present } from './fields.ts';
import { childrenOf } from './peek.ts';
import { readNodeProgress, readOccupantProgress } from './read-progress.ts';
import { readPair } from './read-scenario.ts';
import type { News, ToldRecord } from './records.ts';

/** Characters of one stanza. The embedded server accepts no longer one either. */
export const stanzaMax = 262_144;
const listMax = 1_000;
const specMax = 200;
const signs: readonly Sign[] = [
  'bounce',
  'silence',
  'unanswered',
  'gap',
  'unlinked',
  'restart',
  'refused',
  'netjoin',
  'judged',
];

/**
 * One line after the header as the model takes it. What only a recorded run has (acts, faults, appends, parts of the run) is
 * put into words here.
 *
 * @param domains  of the header's servers
 * @returns undefined if this page does not know the kind
 * @throws TraceError
 */
export function readLine(fields: Fields, domains: readonly string[]): News | undefined {
  const kind = fields.text('kind', 100);
  switch (kind) {
    case 'hop':
      return readHop(fields, domains);
    case 'session':
      return readSession(fields);
    case 'step':
      return readStep(fields);
    case 'status':
      return readStatus(fields);
    case 'pause':
      return { kind, ...numbered(fields), paused: fields.flag('paused') };
    case 'link':
      return fields.has('stanzas') ? readCountedLink(fields, domains) : readLink(fields, domains);
    case 'append':
      return readAppend(fields);
    case 'act':
    case 'fault':
      return readDeed(fields, kind);
    case 'state':
      return readState(fields);
    case 'node':
      return { kind, progress: readNodeProgress(fields.object('progress')) };
    case 'occupant':
      return { kind, progress: readOccupantProgress(fields.object('progress')) };
    default:
      return undefined;
  }
}

function readHop(fields: Fields, domains: readonly string[]): HopRecord {
  const leg = fields.oneOf('leg', ['in', 'link', 'out']);
  return {
    kind: 'hop',
    ...numbered(fields),
    leg,
    from: fields.address('from'),
    to: fields.address('to'),
    stanza: readStanza(fields.object('stanza')),
    ...(leg === 'link' ? { server: readPair(fields, 'server', domains) } : {}),
    ...present({
      stream: fields.maybe('stream', (name) => fields.address(name)),
      n: fields.maybe('n', (name) => fields.count(name)),
      arrives: fields.maybe('arrives', (name) => fields.instant(name) as Instant),
      outcome: fields.maybe('outcome', (name) => fields.oneOf(name, ['dropped', 'bounced'])),
      cause: causeOf(fields),
      spec: specOf(fields),
    }),
  };
}

function readStanza(fields: Fields): TracedStanza {
  const name = fields.oneOf('name', ['message', 'presence', 'iq']);
  const xml = fields.text('xml', stanzaMax);
  if (!xml.startsWith(`<${name}`)) fields.refuse('xml', `is not a ${name} stanza`);
  // RFC 6120 §11.1. Entities that a document type declares could grow without limit when they are shown.
  if (/<[!?]/.test(xml)) fields.refuse('xml', 'has a declaration or a comment, which no stanza may have');
  const stanza: TracedStanza = {
    name,
    from: fields.address('from'),
    to: fields.address('to'),
    xml,
    bytes: fields.count('bytes'),
    ...present({
      type: fields.maybe('type', (field) => fields.text(field, 100)),
      id: fields.maybe('id', (field) => fields.address(field)),
    }),
  };
  // Parsed here, where the page pauses between lines: the whole trace is folded in one go.
  childrenOf(stanza);
  return stanza;
}

function readSession(fields: Fields): SessionRecord {
  return {
    kind: 'session',
    ...numbered(fields),
    up: fields.flag('up'),
    address: fields.address('address'),
    server: fields.address('server'),
    stream: fields.address('stream'),
    role: fields.oneOf('role', ['user', 'service', 'replica', 'operator']),
  };
}

function readStep(fields: Fields): StepRecord & { readonly seq: number; readonly cause?: number } {
  return {
    kind: 'step',
    ...numbered(fields),
    node: fields.address('node'),
    stream: fields.address('stream'),
    tx: fields.objects('tx', listMax).map((one) => ({ n: one.count('n'), spec: one.text('spec', specMax) })),
    notes: fields.objects('notes', listMax).map((note) => ({
      spec: note.text('spec', specMax),
      what: note.words('what'),
      ...present({
        peer: note.maybe('peer', (name) => note.address(name)),
        room: note.maybe('room', (name) => note.address(name)),
        sign: note.maybe('sign', (name) => note.oneOf(name, signs)),
      }),
    })),
    appended: fields.count('appended'),
    ...present({
      rx: fields.maybe('rx', (name) => fields.count(name)),
      input: fields.maybe('input', (name) => fields.words(name)),
      timer: readMark(fields, 'timer'),
      cut: readMark(fields, 'cut'),
      cause: causeOf(fields),
    }),
  };
}

function readStatus(fields: Fields): StatusRecord {
  const of = fields.object('status');
  const status = {
    address: of.address('address'),
    server: of.address('server'),
    rooms: of.objects('rooms', listMax).map(readRoomChange),
  };
  return {
    kind: 'status',
    t: fields.instant('t') as Instant,
    node: fields.address('node'),
    status,
    ...present({ changes: readMark(fields, 'changes'), goneRooms: readGone(fields, 'goneRooms') }),
  };
}

function readRoomChange(fields: Fields): RoomChange {
  return {
    ...readRoom(fields),
    ...present({
      changes: readMark(fields, 'changes'),
      goneOccupants: readGone(fields, 'goneOccupants'),
      gonePeers: readGone(fields, 'gonePeers'),
    }),
  };
}

function readMark(fields: Fields, name: string): true | undefined {
  return fields.maybe(name, () => (fields.flag(name) ? (true as const) : undefined));
}

function readGone(fields: Fields, name: string): readonly string[] | undefined {
  return fields.maybe(name, () => fields.addresses(name, listMax));
}

function readRoom(fields: Fields): RoomStatus {
  return {
    room: fields.address('room'),
    role: fields.oneOf('role', ['plain', 'primary', 'replica', 'fmuc', 'source', 'shadow']),
    epoch: fields.count('epoch'),
    historyLength: fields.count('historyLength'),
    subject: fields.words('subject'),
    occupants: fields.objects('occupants', 500).map(readOccupant),
    peers: fields.objects('peers', listMax).map(readPeer),
    ...present({
      split: fields.maybe('split', (name) => readSplit(fields.object(name))),
      replicas: fields.maybe('replicas', (name) => fields.addresses(name, 50)),
      federation: fields.maybe('federation', (name) => readFederation(fields.object(name))),
      instance: fields.maybe('instance', (name) => readInstance(fields.object(name))),
    }),
  };
}

function readFederation(fields: Fields): NonNullable<RoomStatus['federation']> {
  return {
    mode: fields.oneOf('mode', ['primary-primary', 'primary-replica']),
    joins: fields.addresses('joins', 100),
  };
}

function readInstance(fields: Fields): NonNullable<RoomStatus['instance']> {
  return {
    distributed: fields.flag('distributed'),
    ...present({
      peerhosts: fields.maybe('peerhosts', (name) => fields.addresses(name, 100)),
      source: fields.maybe('source', (name) => fields.address(name)),
    }),
  };
}

function readOccupant(fields: Fields): OccupantStatus {
  return {
    nick: fields.address('nick'),
    role: fields.text('role', 40),
    affiliation: fields.text('affiliation', 40),
    ...present({
      jid: fields.maybe('jid', (name) => fields.address(name)),
      home: fields.maybe('home', (name) => fields.address(name)),
      show: fields.maybe('show', (name) => fields.text(name, 1_100)),
      sessions: fields.maybe('sessions', (name) => fields.count(name, 1)),
      sessionJids: fields.maybe('sessionJids', (name) => fields.addresses(name, listMax)),
      cutOff: readMark(fields, 'cutOff'),
      provisional: readMark(fields, 'provisional'),
    }),
  };
}

function readPeer(fields: Fields): PeerStatus {
  return {
    peer: fields.address('peer'),
    state: fields.oneOf('state', ['joining', 'syncing', 'live', 'split', 'leaving', 'rejected', 'standby']),
    since: fields.instant('since') as Instant,
    ...present({ reason: fields.maybe('reason', (name) => fields.text(name, 1000)) }),
  };
}

function readSplit(fields: Fields): NonNullable<RoomStatus['split']> {
  return {
    policy: fields.oneOf('policy', ['freeze', 'local']),
    chat: fields.flag('chat'),
    pm: fields.flag('pm'),
    entry: fields.flag('entry'),
    kick: fields.flag('kick'),
    away: fields.flag('away'),
  };
}

function readLink(fields: Fields, domains: readonly string[]): ToldRecord {
  const server = readPair(fields, 'server', domains);
  const [from, to] = server;
  const ways = fields.maybe('ways', () => fields.list('ways', 2));
  const [there, back] = ways ?? [];
  const state = fields.oneOf('state', ['up', 'bounce', 'silent']);
  const words = [
    ways === undefined || there === back ? undefined : `one way ${plainWord(there)}, the other ${plainWord(back)}`,
    fields.maybe('loss', (name) => share(fields, name, 'vanish')),
    fields.maybe('twice', (name) => share(fields, name, 'arrive twice')),
  ].filter((part) => part !== undefined && part !== '');
  const settings = present({
    latencyMs: fields.maybe('latencyMs', (name) => fields.count(name)),
    jitterMs: fields.maybe('jitterMs', (name) => fields.count(name)),
    bytesPerSecond: fields.maybe('bytesPerSecond', (name) => fields.count(name)),
  });
  return {
    ...told(fields, 'link', words.join('; ')),
    from,
    to,
    link: { server, state, ...settings },
  };
}

/** As a server writes it: with what the link has carried so far. */
function readCountedLink(fields: Fields, domains: readonly string[]): LinkRecord {
  return {
    kind: 'link',
    ...numbered(fields),
    server: readPair(fields, 'server', domains),
    state: fields.oneOf('state', ['up', 'bounce', 'silent']),
    latencyMs: fields.count('latencyMs'),
    jitterMs: fields.count('jitterMs'),
    bytesPerSecond: fields.count('bytesPerSecond'),
    stanzas: fields.count('stanzas'),
    bytes: fields.count('bytes'),
    dropped: fields.count('dropped'),
    ...present({ away: fields.maybe('away', (name) => fields.words(name)) }),
  };
}

function plainWord(state: unknown): string {
  return state === 'up' ? 'up' : state === 'bounce' ? 'bounces' : 'silent';
}

/** "30 % vanish", of a probability that is not 0. */
function share(fields: Fields, name: string, what: string): string {
  const value = fields.portion(name);
  return value === 0 ? '' : `${Math.ceil(100 * value)} % ${what}`;
}

function readAppend(fields: Fields): ToldRecord {
  const kinds = fields.objects('events', 10_000).map((event) => event.text('kind', 100));
  const shown = kinds.slice(0, 8).map((kind) => kind.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`));
  const more = kinds.length > shown.length ? ` and ${kinds.length - shown.length} more` : '';
  return { ...told(fields, 'append', `writes to its log: ${shown.join(', ')}${more}`), from: fields.address('from') };
}

/** What somebody did, or a fault: by the plan of the run, or on its own. */
function readDeed(fields: Fields, kind: 'act' | 'fault'): ToldRecord {
  const lost = fields.maybe('appends', () => fields.list('appends', 100_000).length);
  const what = fields.words('what') + (lost === undefined ? '' : ` (${lost})`);
  const step = fields.maybe('step', () => fields.count('step', -1));
  return {
    ...told(fields, kind, step === undefined || step < 0 ? what : `step ${step}: ${what}`),
    from: fields.maybe('from', (name) => fields.address(name)) ?? '',
  };
}

const parts: Readonly<Record<string, string>> = {
  healed: 'healed: nothing breaks from here on',
  quiet: 'quiet: everything has come to rest, or should have',
  words: 'words: every occupant says a last word, twice',
  repeated: 'repeated: all nodes start again',
};

function readState(fields: Fields): ToldRecord {
  const what = fields.words('what');
  return {
    ...told(fields, 'state', Object.hasOwn(parts, what) ? (parts[what] as string) : what),
    from: fields.maybe('from', (name) => fields.address(name)) ?? '',
    to: fields.maybe('to', (name) => fields.address(name)) ?? '',
  };
}

function told(fields: Fields, as: ToldRecord['as'], text: string): ToldRecord {
  const from = '';
  const to = '';
  return {
    kind: 'told',
    as,
    ...numbered(fields),
    from,
    to,
    text,
    ...present({ cause: causeOf(fields), spec: specOf(fields) }),
  };
}

function numbered(fields: Fields): { readonly seq: number; readonly t: Instant } {
  return { seq: fields.count('seq', 1), t: fields.instant('t') as Instant };
}

/** An earlier line. */
function causeOf(fields: Fields): number | undefined {
  const cause = fields.maybe('cause', (name) => fields.count(name, 1));
  return cause !== undefined && cause >= fields.count('seq') ? fields.refuse('cause', 'is not an earlier line') : cause;
}

function specOf(fields: Fields): string | undefined {
  return fields.maybe('spec', (name) => fields.text(name, specMax));
}
