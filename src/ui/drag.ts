import type { PlacedServer, Point } from './boxes.ts';
import { type Layout, mayStand } from './layout.ts';

/** How far an arrow key moves a server, in pixels of the picture. */
const nudgePx = 24;
/** A press that moves less than this is a click. */
const clickPx = 4;

interface Held {
  readonly domain: string;
  readonly pointer: number;
  /** Where the pointer was, and what was under it: the server's place at that moment. */
  readonly from: Point;
  readonly server: PlacedServer;
  far: boolean;
}

/** Servers that a person moves: with the pointer on the ground of a hull, or with Alt and the arrow keys. */
export class Drag {
  /** By domain: the middle of its upper edge, in shares of the width and of the height. */
  readonly moved = new Map<string, Point>();
  readonly #layout: () => Layout | undefined;
  readonly #changed: () => void;
  #held: Held | undefined;
  #isOver = false;
  /** What is next shown does not go by what was shown. */
  #anew = false;

  constructor(layout: () => Layout | undefined, changed: () => void) {
    this.#layout = layout;
    this.#changed = changed;
  }

  before(layout: Layout | undefined): Layout | undefined {
    const before = this.#anew ? undefined : layout;
    this.#anew = false;
    return before;
  }

  putBack(): void {
    this.moved.clear();
    this.#anew = true;
    this.#changed();
  }

  readonly onDown = (event: PointerEvent): void => {
    this.#isOver = false;
    const domain = (event.target as Element).closest<SVGElement>('[data-server]')?.dataset.server;
    const server = domain === undefined ? undefined : this.#layout()?.servers.get(domain);
    if (!server || event.button !== 0) return;
    const { clientX: x, clientY: y, pointerId: pointer } = event;
    this.#held = { domain: server.domain, pointer, from: { x, y }, server, far: false };
  };

  readonly onMove = (event: PointerEvent): void => {
    const held = this.#held;
    const layout = this.#layout();
    if (!held || !layout || event.pointerId !== held.pointer) return;
    const by = { x: event.clientX - held.from.x, y: event.clientY - held.from.y };
    if (!held.far && Math.hypot(by.x, by.y) < clickPx) return;
    if (!held.far) (event.currentTarget as Element).setPointerCapture(event.pointerId);
    held.far = true;
    const { x, y } = held.server;
    this.#put(held.domain, { x: x + by.x / layout.scale, y: y + by.y / layout.scale }, layout);
  };

  readonly onUp = (event: PointerEvent): void => {
    if (event.pointerId !== this.#held?.pointer) return;
    this.#isOver = this.#held.far;
    this.#held = undefined;
  };

  /** Whether the click that comes now is the end of a move. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** @param key  of an arrow */
  nudge(domain: string, key: string): void {
    const layout = this.#layout();
    const server = layout?.servers.get(domain);
    if (!layout || !server) return;
    const x = { ArrowLeft: -nudgePx, ArrowRight: nudgePx }[key] ?? 0;
    const y = { ArrowUp: -nudgePx, ArrowDown: nudgePx }[key] ?? 0;
    this.#put(domain, { x: server.x + x, y: server.y + y }, layout);
  }

  /** As far as there is room: along one of the axes, where not along both. */
  #put(domain: string, { x, y }: Point, layout: Layout): void {
    const server = layout.servers.get(domain);
    if (!server) return;
    const inside = {
      x: Math.min(Math.max(x, server.w / 2 + 4), layout.width - server.w / 2 - 4),
      y: Math.min(Math.max(y, server.h / 2 + 4), layout.height - server.h / 2 - 4),
    };
    const places = [inside, { x: inside.x, y: server.y }, { x: server.x, y: inside.y }];
    const place = places.find((one) => mayStand(layout, { ...server, ...one }));
    if (!place) return;
    this.moved.set(domain, { x: place.x / layout.width, y: (place.y - server.h / 2) / layout.height });
    this.#changed();
  }
}
