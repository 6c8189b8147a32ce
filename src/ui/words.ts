import { bare, domainOf, type Model, type NodeView, resourceOf } from './model.ts';

/** Role of a node in words: what it is by the scenario, refined by what it says itself. */
export function roleOf(node: NodeView): string {
  const role = node.status?.rooms[0]?.role;
  if (role === 'fmuc') return 'FMUC node';
  if (role === 'plain') return 'plain room';
  if (role) return role;
  return node.kind === 'replica' ? 'replica' : 'room service';
}

/** Short name of a node: `avalon` for channel.avalon.irc, `vesa` for replica@vesa.yeggmaex.irc. */
export function shortNode(address: string): string {
  const parts = domainOf(address).split('.');
  return (address.includes('@') || parts.length < 3 ? parts[0] : parts.at(-2)) ?? address;
}

/** Who an address is, in as few letters as a log row has room for. */
export function shortName(model: Model, address: string): string {
  if (!address) return '';
  const node = model.nodes.get(address) ?? model.nodes.get(bare(address));
  if (node) return address.includes('@') ? bare(address) : address;
  const who = model.scenario.occupants.find((occupant) => occupant.jid === address);
  if (who) return who.nick;
  if (!address.includes('@')) return address;
  return address.length > 34 && resourceOf(address) ? `${bare(address)}/…` : address;
}

export interface NodeState {
  readonly word: string;
  readonly tone: 'good' | 'warn' | 'bad' | 'idle';
  /** Peers that this node holds for split, or that hold it for split. */
  readonly split: boolean;
}

/** The state a node shows: its process first, then what it and its peers say about their connection. */
export function stateOf(model: Model, node: NodeView): NodeState {
  if (node.phase === 'down') return { word: 'down', tone: 'bad', split: false };
  if (node.phase === 'failed') return { word: 'failed', tone: 'bad', split: false };
  if (node.phase !== 'ready' && node.phase !== 'elsewhere') {
    return { word: node.phase.replace('-', ' '), tone: 'idle', split: false };
  }
  const own = model.roomsOf(node).flatMap((room) => room.peers);
  const split = own.filter((peer) => peer.state === 'split').length;
  const seenSplit =
    node.kind === 'replica' &&
    [...model.nodes.values()].some(
      (other) =>
        other !== node &&
        model
          .roomsOf(other)
          .some((room) => room.peers.some((peer) => peer.state === 'split' && model.nodeOf(peer.peer) === node)),
    );
  if (split > 0 && split < own.length) return { word: `${split} of ${own.length} split`, tone: 'warn', split: false };
  if (split > 0 || seenSplit) return { word: 'split', tone: 'bad', split: true };
  if (own.some((peer) => peer.state === 'rejected')) return { word: 'rejected', tone: 'bad', split: false };
  if (own.some((peer) => peer.state === 'joining' || peer.state === 'syncing')) {
    return { word: own.some((peer) => peer.state === 'syncing') ? 'syncing' : 'joining', tone: 'warn', split: false };
  }
  return { word: 'live', tone: 'good', split: false };
}

export function bytes(count: number): string {
  if (count < 1_000) return `${count} B`;
  if (count < 1_000_000) return `${(count / 1_000).toFixed(1)} kB`;
  return `${(count / 1_000_000).toFixed(1)} MB`;
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
  return [...nick].slice(0, 2).join('');
}
