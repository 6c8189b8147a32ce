import { bareOf, type Jid } from '../../core/xmpp/jid.ts';
import type { ModelEvent } from '../fold/event.ts';
import { linkKey } from '../fold/links.ts';
import { type Layout, type Point, pointAt } from '../layout.ts';
import type { Flight } from '../picture.ts';
import type { Store } from '../store.ts';
import { type GlyphKind, glyphPath, glyphText } from './icons.ts';

const glowMs = 900;
const svgNamespace = 'http://www.w3.org/2000/svg';

interface Token {
  readonly group: SVGGElement;
  readonly trail: SVGLineElement;
  readonly path: SVGPathElement;
  readonly letters: SVGTextElement;
  kind: GlyphKind;
}

/**
 * Draws the moving stanzas: one loop, each position a function of the trace and the time. It runs only while there is
 * something to show. Elements are made and moved by hand: templates are too slow for 200 of them at 60 frames a second.
 */
export class Tokens {
  readonly #tokens = new Map<number, Token>();
  readonly #glows = new Map<number, SVGCircleElement>();
  readonly #still = matchMedia('(prefers-reduced-motion: reduce)');
  #frame = 0;
  /** Whether copies of the selected stanza are moving: the others are dimmed. */
  #focusing = false;
  readonly #layer: SVGGElement;
  readonly #store: Store;
  readonly #layout: () => Layout | undefined;

  constructor(layer: SVGGElement, store: Store, layout: () => Layout | undefined) {
    this.#layer = layer;
    this.#store = store;
    this.#layout = layout;
  }

  kick(): void {
    if (this.#frame === 0 && (!this.#store.picture.idle || this.#tokens.size > 0)) {
      this.#frame = requestAnimationFrame(() => this.#draw());
    }
  }

  stop(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  #draw(): void {
    this.#frame = 0;
    const layout = this.#layout();
    if (!layout) return;
    const now = Date.now();
    const flights = this.#store.picture.flights(now, glowMs);
    const live = new Set<number>();
    const { family } = this.#store;
    this.#focusing = family.size > 0 && flights.some((flight) => flight.end > now && family.has(flight.event.id));
    for (const flight of flights) {
      if (flight.start > now) continue;
      live.add(flight.event.id);
      if (flight.end > now) this.#place(flight, now, layout);
      else {
        this.#drop(flight.event.id);
        this.#glow(flight, now, layout);
      }
    }
    for (const id of [...this.#tokens.keys()]) if (!live.has(id)) this.#drop(id);
    for (const [id, circle] of this.#glows) {
      if (live.has(id)) continue;
      circle.remove();
      this.#glows.delete(id);
    }
    this.kick();
  }

  #place(flight: Flight, now: number, layout: Layout): void {
    const { event } = flight;
    const way = wayOf(event, layout, this.#store);
    if (!way) return this.#drop(event.id);
    let progress = Math.min(1, (now - flight.start) / Math.max(1, flight.end - flight.start));
    let error = event.stanza?.type === 'error';
    if (this.#store.picture.held(event)) progress = Math.min(progress, 0.5);
    if (event.outcome === 'dropped') progress = Math.min(progress, 0.5);
    if (event.outcome === 'bounced' && progress > 0.5) {
      progress = 1 - progress;
      error = true;
    }
    if (this.#still.matches) progress = 0.5;
    const kind: GlyphKind = error ? 'error' : (event.stanza?.name ?? 'iq');
    let token = this.#tokens.get(event.id);
    if (token && token.kind !== kind) {
      this.#drop(event.id);
      token = undefined;
    }
    if (!token) {
      token = this.#make(event, kind);
      this.#tokens.set(event.id, token);
    }
    const lane = event.leg === 'link' ? ((Math.abs(event.id) % 3) - 1) * 5 : 0;
    const ease = event.leg === 'link' ? progress : progress * progress * (3 - 2 * progress);
    const p = way(ease);
    const tail = way(Math.max(0, ease - 0.14));
    const scale = layout.compact ? 0.85 : 1.25;
    token.group.setAttribute('transform', `translate(${p.x.toFixed(1)} ${(p.y + lane).toFixed(1)}) scale(${scale})`);
    token.trail.setAttribute('x2', ((tail.x - p.x) / scale).toFixed(1));
    token.trail.setAttribute('y2', ((tail.y - p.y) / scale).toFixed(1));
    token.group.classList.toggle('dim', this.#focusing && !this.#store.family.has(event.id));
    token.group.classList.toggle(
      'lost',
      event.outcome === 'dropped' && (now - flight.start) * 2 > flight.end - flight.start,
    );
    token.letters.textContent = this.#store.told.events.indexOf(event.id);
  }

  #make(event: ModelEvent, kind: GlyphKind): Token {
    const group = document.createElementNS(svgNamespace, 'g');
    group.setAttribute('class', 'token');
    group.dataset.event = String(event.id);
    group.dataset.kind = kind;
    const trail = document.createElementNS(svgNamespace, 'line');
    trail.setAttribute('class', 'trail');
    const path = document.createElementNS(svgNamespace, 'path');
    path.setAttribute('d', glyphPath[kind]);
    const text = document.createElementNS(svgNamespace, 'text');
    text.setAttribute('y', '4');
    text.setAttribute('class', 'letter');
    text.textContent = glyphText[kind];
    const letters = document.createElementNS(svgNamespace, 'text');
    letters.setAttribute('class', 'copy');
    letters.setAttribute('x', '12');
    letters.setAttribute('y', '-7');
    group.append(trail, path, text, letters);
    this.#layer.append(group);
    return { group, trail, path, letters, kind };
  }

  #drop(id: number): void {
    this.#tokens.get(id)?.group.remove();
    this.#tokens.delete(id);
  }

  /** A delivery lights up its recipient for a moment. */
  #glow(flight: Flight, now: number, layout: Layout): void {
    const { event } = flight;
    if (event.leg !== 'out' || event.stanza?.name === 'iq') return;
    const at = layout.devices.get(event.to)?.disc;
    if (!at) return;
    let circle = this.#glows.get(event.id);
    if (!circle) {
      circle = document.createElementNS(svgNamespace, 'circle');
      circle.setAttribute('class', 'glow');
      circle.dataset.kind = event.stanza?.type === 'error' ? 'error' : (event.stanza?.name ?? 'iq');
      this.#layer.prepend(circle);
      this.#glows.set(event.id, circle);
    }
    const age = this.#still.matches ? 0.3 : (now - flight.end) / glowMs;
    circle.setAttribute('cx', String(at.x));
    circle.setAttribute('cy', String(at.y));
    circle.setAttribute('r', (layout.radius + 4 + 5 * age).toFixed(1));
    circle.setAttribute('opacity', Math.max(0, 1 - age).toFixed(2));
  }
}

/** The path of one leg in the picture, from 0 to 1; undefined where one of its ends is not in the picture. */
export function wayOf(event: ModelEvent, layout: Layout, store: Store): ((s: number) => Point) | undefined {
  if (event.leg === 'link') {
    const link = layout.links.get(linkKey(event.from, event.to));
    if (!link) return undefined;
    const forward = link.from === event.from;
    return (s) => pointAt(link, forward ? s : 1 - s);
  }
  const session = event.leg === 'in' ? event.from : event.to;
  const end = entityPoint(session, layout, store);
  const hub =
    layout.servers.get(event.leg === 'in' ? event.to : event.from) ??
    layout.servers.get(store.model.network.serverOf(session) ?? '');
  if (!end || !hub) return undefined;
  const [a, b] = event.leg === 'in' ? [end, hub.hub] : [hub.hub, end];
  return (s) => ({ x: a.x + (b.x - a.x) * s, y: a.y + (b.y - a.y) * s });
}

function entityPoint(address: string, layout: Layout, store: Store): Point | undefined {
  const device = layout.devices.get(address);
  if (device) return device;
  const node = layout.nodes.get(address) ?? layout.nodes.get(bareOf(address as Jid));
  if (node) return { x: node.x, y: node.y + node.h / 2 - 4 };
  const service = store.model.network.nodes.get(address);
  return service ? layout.nodes.get(service.address) : undefined;
}
