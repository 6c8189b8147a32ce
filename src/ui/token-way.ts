import { bareOf, type Jid } from '../core/xmpp/jid.ts';
import type { Point } from './boxes.ts';
import { pointAt } from './curves.ts';
import type { ModelEvent } from './fold/event.ts';
import { linkKey } from './fold/links.ts';
import type { Network } from './fold/network.ts';
import type { Layout } from './layout.ts';

/** The path of one leg in the picture. */
export interface Way {
  /** The same for all stanzas that go from one place to another. */
  readonly key: string;
  readonly kind: 'link' | 'node' | 'person';
  /** In pixels. */
  readonly length: number;
  /** From 0 to 1: the part that is seen. */
  readonly seen: readonly [number, number];
  /** @param s  from 0 to 1 */
  at(s: number): Point;
  /** To the side of the way where nothing is written, of length 1. */
  aside(s: number): Point;
}

/** @returns undefined where one of its ends is not in the picture */
export function wayOf(event: ModelEvent, layout: Layout, network: Network): Way | undefined {
  return event.leg === 'link' ? linkWay(event, layout) : localWay(event, layout, network);
}

function linkWay({ from, to }: ModelEvent, layout: Layout): Way | undefined {
  const link = layout.links.get(linkKey(from, to));
  if (!link) return undefined;
  const forward = link.from === from;
  const at = (s: number) => pointAt(link, forward ? s : 1 - s);
  const [start, end] = link.seen;
  return {
    key: `${from} ${to}`,
    kind: 'link',
    length: link.length,
    seen: forward ? [start, end] : [1 - end, 1 - start],
    at,
    aside: (s) => {
      const [p, q] = [at(Math.max(0, s - 0.01)), at(Math.min(1, s + 0.01))];
      const normal = unit({ x: p.y - q.y, y: q.x - p.x });
      const toLabel = { x: link.label.x - p.x, y: link.label.y - p.y };
      return normal.x * toLabel.x + normal.y * toLabel.y > 0 ? { x: -normal.x, y: -normal.y } : normal;
    },
  };
}

/** Between a server and what is connected to it. */
function localWay({ leg, from, to }: ModelEvent, layout: Layout, network: Network): Way | undefined {
  const [session, domain] = leg === 'in' ? [from, to] : [to, from];
  const hub = (layout.servers.get(domain) ?? layout.servers.get(network.serverOf(session) ?? ''))?.hub;
  const device = layout.devices.get(session);
  const node = device ? undefined : nodePoint(session, layout, network);
  const outward = device?.way ?? (hub && node ? [hub, node] : undefined);
  if (!outward) return undefined;
  const points = leg === 'in' ? outward.toReversed() : outward;
  return {
    key: `${leg} ${session}`,
    kind: device ? 'person' : 'node',
    length: pathLength(points),
    seen: [0, 1],
    at: (s) => along(points, s),
    aside: () => ({ x: 0, y: -1 }),
  };
}

function nodePoint(address: string, layout: Layout, network: Network): Point | undefined {
  const node = layout.nodes.get(address) ?? layout.nodes.get(bareOf(address as Jid));
  // Below what is written in it.
  if (node) return { x: node.x, y: node.y + node.h / 2 + 3 };
  const service = network.nodes.get(address);
  return service && layout.nodes.get(service.address);
}

function unit({ x, y }: Point): Point {
  const length = Math.hypot(x, y) || 1;
  return { x: x / length, y: y / length };
}

function pathLength(points: readonly Point[]): number {
  return points.slice(1).reduce((sum, p, i) => sum + distance(points[i] as Point, p), 0);
}

function distance(p: Point, q: Point): number {
  return Math.hypot(p.x - q.x, p.y - q.y);
}

/** A point of a path with corners. */
function along(points: readonly Point[], s: number): Point {
  let rest = s * pathLength(points);
  for (const [i, q] of points.slice(1).entries()) {
    const p = points[i] as Point;
    const length = distance(p, q);
    if (rest <= length || i === points.length - 2) {
      const share = length === 0 ? 0 : rest / length;
      return { x: p.x + (q.x - p.x) * share, y: p.y + (q.y - p.y) * share };
    }
    rest -= length;
  }
  return points[0] as Point;
}

/** A stanza on a link, and how far behind its place it is so that it does not lie on the one before. */
export interface Follower {
  readonly start: number;
  /** In pixels. */
  readonly lag: number;
}

/**
 * How far behind its place a stanza goes that sets off while others are on their way.
 *
 * @param speed  in pixels a millisecond
 * @param gap  from the middle of one to the middle of the next, in pixels
 */
export function lagBehind(others: readonly Follower[], start: number, speed: number, gap: number): number {
  return others.reduce((most, other) => Math.max(most, other.lag + gap - (start - other.start) * speed), 0);
}

/** Where one is that has no other before it: half way through its time in the middle of what is seen, where a cut link loses it. */
export function placeAfter(progress: number, { seen: [start, end] }: Pick<Way, 'seen'>): number {
  const middle = (start + end) / 2;
  return progress < 0.5 ? 2 * progress * middle : middle + (2 * progress - 1) * (1 - middle);
}

/** Where one is, in shares of the way. It has caught up when it arrives. @returns below 0 before it sets off */
export function placeBehind(progress: number, lag: number, length: number): number {
  return progress - (lag * Math.min(1, (1 - progress) * 4)) / length;
}

/**
 * Where a stanza stands that the paused links hold back: before the middle of what is seen of the link, one behind the other.
 * Those from the other side stand on the other side of the middle.
 *
 * @param place  in the queue, from 0
 */
export function queuePlace({ seen: [start, end], length }: Way, place: number, waiting: number, gap: number): number {
  const middle = (start + end) / 2;
  const step = Math.min(gap / length, (middle - start) / waiting);
  return middle - (place + 0.5) * step;
}

/** Side by side: 0, then one to the right, one to the left, and so on. */
export function laneOffset(lane: number): number {
  return lane % 2 === 0 ? lane / -2 : (lane + 1) / 2;
}
