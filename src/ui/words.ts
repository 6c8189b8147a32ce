import type { SplitStatus } from '../core/distribution/protocol.ts';
import type { Sign } from '../core/turn/spec.ts';
import { bareOf, domainOf, type Jid, resourceOf } from '../core/xmpp/jid.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { VariantId } from '../scenario/variant-nodes.ts';
import type { ModelEvent } from './fold/event.ts';
import { type Line, leadOf, outcomeOf } from './fold/lines.ts';
import type { Model } from './fold/model.ts';
import type { NodeView } from './fold/network.ts';
import type { DeviceView, OccupantView } from './fold/people.ts';
import { bodyOf } from './fold/summary.ts';

/** What the XEP of a scenario makes of a room. */
export const models = {
  '0045': 'plain room',
  '0281': 'source and shadow',
  '0282': 'primary and replicas',
  '0289': 'federated rooms (FMUC)',
} as const;

/** The protocol with which a run of a scenario is compared, in words and in a few letters. */
export function variantName(id: VariantId, { xep }: Scenario): { readonly long: string; readonly short: string } {
  if (id === 'plain') return { long: 'plain room, XEP-0045', short: 'plain room' };
  // The scenario is in the other mode.
  if (id === xep) return { long: `federated rooms, primary-primary, XEP-${id}`, short: 'primary-primary' };
  return { long: `${models[id]}, XEP-${id}`, short: `XEP-${id}` };
}

/** Role of a node in words: what it is by the scenario, refined by what it says itself. */
export function roleOf(node: NodeView): string {
  const { role, federation } = node.status?.rooms[0] ?? {};
  if (role === 'fmuc') {
    if (federation?.mode !== 'primary-replica') return 'FMUC node';
    return federation.joins.length > 0 ? 'FMUC replica' : 'FMUC primary';
  }
  if (role === 'plain') return 'plain room';
  if (role) return role;
  if (node.kind === 'replica') return 'replica';
  return node.hosts.length > 0 ? 'peerhost' : 'room service';
}

/** Short name of a node: `avalon` for channel.avalon.irc, `vesa` for replica@vesa.yeggmaex.irc. */
export function shortNode(address: string): string {
  const parts = domainOf(address as Jid).split('.');
  return (address.includes('@') || parts.length < 3 ? parts[0] : parts.at(-2)) ?? address;
}

/** Whose address it is, short enough for a row of the log. */
export function shortName(model: Model, address: string): string {
  if (!address) return '';
  const node = model.network.nodes.get(address) ?? model.network.nodes.get(bareOf(address as Jid));
  if (node) return address.includes('@') ? bareOf(address as Jid) : address;
  const who = model.scenario.occupants.find((occupant) => occupant.jid === address);
  if (who) return who.nick;
  const nick = model.people.progressOf(address)?.nick;
  if (nick !== undefined) return `${nick} (${deviceName(address)})`;
  if (!address.includes('@')) return address;
  return address.length > 34 && resourceOf(address as Jid) ? `${bareOf(address as Jid)}/…` : address;
}

/** From where to where: "avalon.irc to killrc.oulubox.irc". */
export function wayOf(model: Model, { kind, from, to }: ModelEvent): string {
  if (!from) return kind === 'pause' ? 'operator' : 'the run';
  const between = kind === 'link' || kind === 'state' ? 'and' : 'to';
  return to ? `${shortName(model, from)} ${between} ${shortName(model, to)}` : shortName(model, from);
}

/** What a line of the log tells, and what came of it: "BigCheese says “Hello”" and "4 link stanzas, 7 deliveries". */
export function lineInWords(model: Model, line: Line): { readonly what: string; readonly outcome: string } {
  const [first = leadOf(line)] = line.events;
  const guest = guestOf(model, first);
  const lead = guest ?? leadOf(line);
  const root = guest ?? first;
  if (root.kind === 'link') return { what: `Link ${root.text}`, outcome: '' };
  if (line.events.length === 1 && !lead.leg) return { what: deedOf(model, root), outcome: '' };
  const isNode = (address: string) => model.network.isNode(address);
  const { crossed, lost, deliveries } = outcomeOf(line, isNode);
  const counts = [
    `${crossed} link ${crossed === 1 ? 'stanza' : 'stanzas'}`,
    lost > 0 ? `${lost} lost` : '',
    lead.stanza?.name === 'iq' && deliveries === 0
      ? ''
      : `${deliveries} ${deliveries === 1 ? 'delivery' : 'deliveries'}`,
  ];
  const says = lead.stanza && lead.stanza.type !== 'error' && !isNode(lead.from) && bodyOf(lead.stanza) !== undefined;
  return {
    what: says ? `${shortName(model, lead.from)} ${verbOf(lead)} ${lead.text}` : deedOf(model, root),
    outcome: counts.filter(Boolean).join(', '),
  };
}

/** What somebody did at a real server begins here with the edge: it is told as theirs. */
function guestOf(model: Model, event: ModelEvent): ModelEvent | undefined {
  const { leg, from, stanza } = event;
  return leg === 'link' && stanza && model.network.isReal(from) ? { ...event, from: stanza.from } : undefined;
}

function verbOf({ stanza }: ModelEvent): string {
  if (stanza?.type === 'groupchat') return 'says';
  const { to = '' } = stanza ?? {};
  return `whispers to ${resourceOf(to as Jid) || to}:`;
}

/** An act of a person is told with their nick; what somebody else did, with who that is. */
function deedOf(model: Model, { kind, from, text }: ModelEvent): string {
  if (kind === 'session') return `${shortName(model, from)} ${text}`;
  if ((kind !== 'act' && kind !== 'hop') || !from || (kind === 'act' && !model.network.isNode(from))) return text;
  return `${shortName(model, from)}: ${text}`;
}

export interface NodeState {
  readonly word: string;
  readonly tone: 'good' | 'warn' | 'bad' | 'idle';
  /** Whether all its peers and this node consider each other split. */
  readonly split: boolean;
  /** Of a replica that has noticed that it is cut off: what it does meanwhile. */
  readonly policy?: 'frozen' | 'local';
}

/** The state a node shows: its process first, then what it and its peers say about their connection. */
export function stateOf(model: Model, node: NodeView): NodeState {
  if (node.phase === 'down') return { word: 'down', tone: 'bad', split: false };
  if (node.phase === 'failed') return { word: 'failed', tone: 'bad', split: false };
  if (node.phase !== 'ready' && node.phase !== 'elsewhere') {
    return { word: node.phase.replace('-', ' '), tone: 'idle', split: false };
  }
  if (node.status === undefined && node.phase === 'elsewhere') return { word: 'waiting', tone: 'idle', split: false };
  const rooms = model.network.roomsOf(node);
  if (node.status !== undefined && rooms.length === 0 && node.hosts.length > 0)
    return { word: 'no room', tone: 'idle', split: false };
  const own = rooms.flatMap((room) => room.peers);
  const split = own.filter((peer) => peer.state === 'split').length;
  const seenSplit =
    node.kind === 'replica' &&
    [...model.network.nodes.values()].some(
      (other) =>
        other !== node &&
        model.network
          .roomsOf(other)
          .some((room) =>
            room.peers.some((peer) => peer.state === 'split' && model.network.nodeOf(peer.peer) === node),
          ),
    );
  if (split > 0 && split < own.length) return { word: `${split} of ${own.length} split`, tone: 'warn', split: false };
  if (split > 0 && node.kind === 'replica') {
    const policy = model.network.policyOf(node)?.policy === 'local' ? 'local' : 'frozen';
    return { word: 'split', tone: 'bad', split: true, policy };
  }
  if (split > 0 || seenSplit) return { word: 'split', tone: 'bad', split: true };
  const rejected = own.filter((peer) => peer.state === 'rejected').length;
  if (rejected > 0) {
    const word = rejected < own.length ? `${rejected} of ${own.length} rejected` : 'rejected';
    return { word, tone: 'bad', split: false };
  }
  if (own.some((peer) => peer.state === 'joining' || peer.state === 'syncing')) {
    return { word: own.some((peer) => peer.state === 'syncing') ? 'syncing' : 'joining', tone: 'warn', split: false };
  }
  return { word: 'live', tone: 'good', split: false };
}

const noticedBy: Partial<Record<Sign, string>> = {
  bounce: 'a stanza bounced',
  silence: 'pings went unanswered',
  unanswered: 'a request went unanswered',
  gap: 'a number was missing',
  unlinked: 'the other node knows of no link',
  restart: 'a node started again',
};

/** How a node noticed that it and a peer are apart, in words. */
export function noticed(event: ModelEvent): string {
  return (event.sign && noticedBy[event.sign]) ?? event.text;
}

/** What a replica does while it is cut off, in words. */
export function policyInWords(split: SplitStatus): string {
  const away = split.away ? '; those on the other side are marked as away' : '';
  if (split.policy === 'freeze') return `the room is frozen: users can leave, everything else is refused${away}`;
  const may = [
    split.chat ? 'talk among themselves' : '',
    split.pm ? 'send each other private messages' : '',
    split.entry ? 'enter provisionally' : '',
    split.kick ? 'be kicked by their moderators' : '',
  ].filter(Boolean);
  return `the replica goes on alone: its users may ${may.join(', ') || 'leave'}${away}`;
}

/** What a device is called: the resource of its address. */
export function deviceName(jid: string): string {
  return resourceOf(jid as Jid);
}

/** Those of an occupant's devices that are in the room. */
export function devicesInside({ devices }: Pick<OccupantView, 'devices'>): readonly DeviceView[] {
  return devices.filter(({ phase }) => phase === 'joined');
}

/** "2 devices", where there are several. */
export function deviceCount(who: Pick<OccupantView, 'devices'>): string | undefined {
  const { length } = devicesInside(who);
  return length > 1 ? counted(length, 'device') : undefined;
}

/** The device with which an occupant of this page acts. */
export function actingDevice({ jid, devices }: Pick<OccupantView, 'jid' | 'devices'>): string {
  return devices.find(({ phase, mine }) => mine && phase === 'joined')?.jid ?? jid;
}

/** How a split affects a person: a word for the picture, and a few words for elsewhere. */
export function markOf({ cutOff, provisional }: Pick<OccupantView, 'cutOff' | 'provisional'>) {
  if (provisional)
    return { id: 'provisional', badge: 'provisional', words: 'let in provisionally: the primary has yet to agree' };
  if (cutOff) return { id: 'cut-off', badge: 'cut off', words: 'cut off: shown to the others as away' };
  return undefined;
}

/** A text as a sentence or a line begins with it. */
export function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** A number and what it counts: "1 message". */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

export function bytes(count: number): string {
  if (count < 1_000) return `${count} B`;
  if (count < 1_000_000) return `${(count / 1_000).toFixed(1)} kB`;
  return `${(count / 1_000_000).toFixed(1)} MB`;
}

/** Of text, in characters of which nearly all take a byte. */
export function mebibytes(count: number): string {
  return `${(count / 1024 / 1024).toLocaleString('en', { maximumFractionDigits: 1 })} MiB`;
}

/** Milliseconds since the beginning of a run, as the simulator writes them. */
export function seconds(ms: number, precisely = true): string {
  return `${(ms / 1_000).toFixed(precisely ? 3 : 0)} s`;
}

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hour12: false,
});

/** Time of day with milliseconds. */
export function time(t: number): string {
  return clock.format(t);
}

/** Time of day without milliseconds. */
export function shortTime(t: number): string {
  return clock.format(t).slice(0, 8);
}

export function initials(nick: string): string {
  const capitals = nick.match(/\p{Lu}/gu);
  if (capitals && capitals.length > 1 && capitals.length < nick.length) return capitals.slice(0, 2).join('');
  // nick4 and nick5 differ only at the end.
  const number = /\d{1,2}$/.exec(nick)?.[0];
  if (number !== undefined && number !== nick) return `${[...nick][0]}${number}`;
  return [...nick].slice(0, 2).join('');
}
