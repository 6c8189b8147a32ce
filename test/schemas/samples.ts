import {
  isLoop,
  isRefused,
  isSpare,
  readClock,
  readElsewhere,
  readLinkPlace,
  readResync,
  readTrail,
  readWay,
  writeClock,
  writeElsewhere,
  writeLinkPlace,
  writeLoop,
  writeRefused,
  writeResync,
  writeSpare,
  writeTrail,
  writeWay,
} from '../../src/core/xep/fmuc-sync.ts';
import {
  hasMore,
  readAfter,
  readAsked as readAskedOf,
  readGreeting,
  readHave,
  readNews,
  readPart,
  readPassed,
  readTopic,
  writeAfter,
  writeAsked as writeAskedOf,
  writeGreeting,
  writeHave,
  writeMore,
  writeNews,
  writePart,
  writePassed,
  writeTopic,
} from '../../src/core/xep/instances.ts';
import {
  isOffer,
  readAck,
  readAsked,
  readBans,
  readCreate,
  readCreated,
  readDestroy,
  readNetjoin,
  readOutcomes,
  readReady,
  readRelayed,
  readStanding,
  writeAck,
  writeAsked,
  writeBan,
  writeCreate,
  writeCreated,
  writeDestroy,
  writeNetjoin,
  writeOffer,
  writeOutcomes,
  writeReady,
  writeRelayed,
  writeStanding,
} from '../../src/core/xep/sync.ts';
import {
  readConfig,
  readHistoryRequest,
  readRoster,
  readServiceOrder,
  writeConfig,
  writeHistoryRequest,
  writeRoster,
  writeServiceOrder,
} from '../../src/core/xep/xep0281.ts';
import { readDmuc, writeDmuc } from '../../src/core/xep/xep0282.ts';
import { readFmuc, readMode, writeFmuc, writeMode } from '../../src/core/xep/xep0289.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { iq } from '../../src/core/xmpp/stanza.ts';
import { instant } from '../../src/core/xmpp/time.ts';
import { el, type XmlElement } from '../../src/core/xmpp/xml.ts';

/** An element that a codec has written with all that it can write, and the codec's own way to read it. */
export interface Sample {
  readonly written: XmlElement;
  /** @returns undefined if the codec does not take it */
  readonly read: (element: XmlElement) => unknown;
}

const at = instant(Date.UTC(2012, 4, 28, 14, 39, 34));
const room = jid('wallops@channel.avalon.irc');
const other = jid('replica@vesa.yeggmaex.irc');
const user = jid('rubenro@vesa.yeggmaex.irc/shaver');
const keepalive = { interval: 60, timeout: 15 };
const presence = [el('show', NS.client, {}, 'away')];

const isPayload = (read: (payloads: readonly XmlElement[]) => unknown) => (element: XmlElement) => read([element]);
/** Of a reader that looks for it inside another element. */
const isChild = (read: (parent: XmlElement) => unknown) => (element: XmlElement) => read(el('parent', '', {}, element));
/** Of one inside `<fmuc/>`. */
const isInFmuc = (read: (payloads: readonly XmlElement[]) => unknown) => (element: XmlElement) =>
  read([el('fmuc', NS.fmuc, { from: user }, element)]);
const asIq = (read: (stanza: ReturnType<typeof iq>) => unknown) => (element: XmlElement) =>
  read(iq(room, other, { type: 'set', id: '1' }, element));
const some = <T>(list: readonly T[] | undefined) => (list === undefined || list.length === 0 ? undefined : list);
const truth = (is: boolean) => is || undefined;

const asked = [{ n: 3, name: 'message', from: user, id: 'm3', ago: 5 }] as const;
const news = { place: { session: 'k1', n: 4, h: 2 }, order: { epoch: 812, n: 9 }, at, origin: 'm3' };
const item = {
  affiliation: 'member',
  jid: user,
  name: 'BigCheese',
  role: 'participant',
  occupantId: 'o1',
  presence,
} as const;
const order = (kind: 'replicate' | 'peerhost', stops: boolean) =>
  writeServiceOrder(kind, {
    id: 'theroom',
    instance: other,
    stops,
    destroy: stops ? el('destroy', NS.mucUser) : undefined,
  });
const readOrder = asIq((stanza) => {
  const found = readServiceOrder(stanza);
  return found?.id === '' ? undefined : found;
});
const [change, via] = writeTrail(
  {
    by: room,
    id: 'c1',
    via: [other],
    past: true,
    across: true,
    order: { run: 'r2', n: 41, before: 'r1' },
  },
  other,
) as [XmlElement, XmlElement];
const bans = [{ user: jid('eve@vesa.yeggmaex.irc'), affiliation: 'outcast' }] as const;

/** What the codecs of the four namespaces write, all of it. */
export const samples: readonly Sample[] = [
  {
    written: writeDmuc({
      enter: user,
      history: { maxchars: 1000, maxstanzas: 20, seconds: 60, since: at },
      split: 'k7',
      origin: 'm3',
      delay: { from: room, stamp: at },
      position: { epoch: 812, n: 9 },
    }),
    read: isPayload((payloads) => {
      const read = readDmuc(payloads);
      return read?.enter === undefined || read.split === undefined || read.position === undefined ? undefined : read;
    }),
  },
  { written: writeDmuc({ leave: user }), read: isPayload((payloads) => readDmuc(payloads)?.leave) },
  { written: writeDmuc({ direct: user }), read: isPayload((payloads) => readDmuc(payloads)?.direct) },
  { written: writeFmuc({ kind: 'from', from: user }), read: isPayload(readFmuc) },
  { written: writeFmuc({ kind: 'reject', text: 'no' }), read: isPayload(readFmuc) },
  { written: writeFmuc({ kind: 'left' }), read: isPayload(readFmuc) },
  { written: order('replicate', false), read: readOrder },
  { written: order('peerhost', true), read: readOrder },
  {
    written: writeConfig(
      el('x', NS.dataForms, { type: 'submit' }),
      el('instances', NS.ext, {}, el('instance', NS.ext, { jid: other })),
      ...writePart({ n: 1, of: 2 }),
    ),
    read: asIq(readConfig),
  },
  {
    written: writeRoster([item], { n: 2, of: 3 }),
    read: asIq((stanza) => {
      const read = readRoster(stanza);
      const [first] = read?.items ?? [];
      return read?.part === undefined || first === undefined || first.name === '' ? undefined : read;
    }),
  },
  {
    written: writeHistoryRequest(
      'theroom',
      { maxstanzas: 100 },
      ...writeHave([{ by: room, epoch: 812, n: 9 }]),
      writeAfter({ by: room, id: 'k1' }),
    ),
    read: asIq((stanza) => {
      const read = readHistoryRequest(stanza);
      return read && some(readHave(read.room)) && readAfter(read.room) && read;
    }),
  },
  { written: writeStanding({ epoch: 812, n: 9, users: '2-1f' }), read: readStanding },
  { written: writeLinkPlace({ session: 'k1', n: 4, h: 2 }), read: isChild(readLinkPlace) },
  { written: writeOffer(), read: isPayload((payloads) => truth(isOffer(payloads))) },
  {
    written: writeCreate({
      serves: [jid('vesa.yeggmaex.irc')],
      keepalive,
      maxstanzas: 200,
      moderators: 1,
      have: { epoch: 812, n: 9 },
    }),
    read: isPayload((payloads) => {
      const read = readCreate(payloads);
      return some(read?.serves) && read;
    }),
  },
  {
    written: writeCreated({
      session: 'k1',
      epoch: 812,
      n: 9,
      mode: 'full',
      jids: 'all',
      keepalive,
      maxstanzas: 200,
      config: { type: 'result', fields: [] },
      bans,
      past: new Map([[user, 'BigCheese']]),
    }),
    read: isPayload((payloads) => {
      const read = readCreated(payloads);
      return some(read?.bans) && read?.past?.size === 1 ? read : undefined;
    }),
  },
  {
    written: writeNetjoin({ session: 'k1', have: { epoch: 812, n: 9 }, moderators: 1, listUsers: true }),
    read: isPayload(readNetjoin),
  },
  { written: writeReady({ n: 9, roster: 3, history: 2, users: '2-1f' }), read: isPayload(readReady) },
  { written: writeAck({ h: 9, moderators: 1 }), read: isPayload(readAck) },
  { written: writeRelayed(3), read: isPayload(readRelayed) },
  { written: writeAsked(asked)[0] as XmlElement, read: isChild((ping) => some(readAsked(ping))) },
  {
    written: writeOutcomes(new Map([[3, 'lost']]))[0] as XmlElement,
    read: isPayload((payloads) => some([...readOutcomes(payloads)])),
  },
  { written: writeDestroy({ epoch: 812, n: 9 }), read: isPayload(readDestroy) },
  { written: writeBan(bans[0]), read: isChild((parent) => some(readBans(parent))) },
  { written: writeMode('primary-replica'), read: isChild(readMode) },
  { written: change, read: isChild((parent) => readTrail(parent, other)) },
  { written: via, read: isChild((parent) => some(readTrail({ children: [change, ...parent.children] }, other)?.via)) },
  { written: writeClock(at), read: isInFmuc(readClock) },
  { written: writeWay(user), read: isChild(readWay) },
  { written: writeSpare(), read: isInFmuc((payloads) => truth(isSpare(payloads))) },
  { written: writeLoop(), read: isInFmuc((payloads) => truth(isLoop(payloads))) },
  { written: writeRefused(), read: isInFmuc((payloads) => truth(isRefused(payloads))) },
  { written: writeElsewhere('soon'), read: isInFmuc(readElsewhere) },
  {
    written: writeResync({ since: at, now: at, maxstanzas: 100, have: [{ by: room, id: 'k1' }] }),
    read: isInFmuc((payloads) => some(readResync(payloads)?.have) && readResync(payloads)),
  },
  {
    written: writeGreeting({ session: 'k1', config: 'a1', have: [{ by: room, epoch: 812, n: 9 }] }),
    read: isPayload((payloads) => some(readGreeting(payloads)?.have) && readGreeting(payloads)),
  },
  {
    written: writeHave([{ by: room, epoch: 812, n: 9 }])[0] as XmlElement,
    read: isChild((parent) => some(readHave(parent))),
  },
  {
    written: writeNews(news),
    read: isPayload((payloads) => {
      const read = readNews(payloads);
      return read?.place === undefined || read.order === undefined ? undefined : read;
    }),
  },
  { written: writePart({ n: 2, of: 3 })[0] as XmlElement, read: isChild(readPart) },
  { written: writeAfter({ by: room, id: 'k1' }), read: isChild(readAfter) },
  { written: writeMore(), read: isChild((parent) => truth(hasMore(parent))) },
  { written: writeTopic(el('message', NS.client)), read: isChild(readTopic) },
  { written: writeAskedOf(user, el('query', NS.mucAdmin)), read: isPayload(readAskedOf) },
  { written: writePassed(el('ping', NS.ping)), read: isPayload(readPassed) },
];

/** Made by hand where they are needed: a sign is there or not, and has nothing inside. */
export const signs: readonly XmlElement[] = ['conflict', 'decided'].map((name) => el(name, NS.ext));
