import type { Point } from '../boxes.ts';
import type { ModelEvent } from '../fold/event.ts';
import { type GlyphKind, glyphPath, glyphText } from '../glyphs.ts';
import type { Layout } from '../layout.ts';
import type { Flight } from '../picture.ts';
import type { Store } from '../store.ts';
import { element } from '../svg-element.ts';
import {
  type Follower,
  lagBehind,
  laneOffset,
  placeAfter,
  placeBehind,
  queuePlace,
  type Way,
  wayOf,
} from '../token-way.ts';
import { Crowd } from './crowd.ts';

const glowMs = 900;

/** From the middle of one stanza to that of the next, before it is scaled. */
const gapPx = 22;
/** More stanzas than this are a crowd while they move: nobody reads their letters, and to draw each by itself takes most of the time. */
const crowdMost = 300;
/** Between stanzas side by side. */
const lanePx = 15;

/**
 * A stanza in the picture. It is moved many times a second, among hundreds of others: what stays as it is is not written again.
 */
class Token implements Follower {
  /** It grows while paused links hold it back: released, it goes on from where it stood. */
  lag: number;
  readonly start: number;
  readonly way: string;
  /** Side by side with others on a short way. */
  readonly lane: number;
  readonly kind: GlyphKind;
  readonly #group = element('g', 'token');
  readonly #trail = element('line', 'trail');
  readonly #letters = element('text', 'copy');
  readonly #place: SVGTransform;
  readonly #size: SVGTransform;
  readonly #written = new Map<string, string | boolean>();
  #known: { readonly layout: Layout; readonly way: Way | undefined } | undefined;

  constructor(svg: SVGSVGElement, event: number, kind: GlyphKind, { lag, start, way, lane }: Placed) {
    [this.lag, this.start, this.way, this.lane, this.kind] = [lag, start, way, lane, kind];
    this.#group.dataset.event = String(event);
    this.#group.dataset.kind = kind;
    const path = element('path');
    path.setAttribute('d', glyphPath[kind]);
    const letter = element('text', 'letter');
    letter.setAttribute('y', '4');
    letter.textContent = glyphText[kind];
    this.#letters.setAttribute('text-anchor', 'middle');
    this.#group.append(this.#trail, path, letter, this.#letters);
    [this.#place, this.#size] = [svg.createSVGTransform(), svg.createSVGTransform()];
    this.#group.transform.baseVal.appendItem(this.#place);
    this.#group.transform.baseVal.appendItem(this.#size);
  }

  get element(): SVGElement {
    return this.#group;
  }

  /** It leads where it led before, as long as the layout is the same. */
  wayIn(layout: Layout, find: () => Way | undefined): Way | undefined {
    if (this.#known?.layout !== layout) this.#known = { layout, way: find() };
    return this.#known.way;
  }

  move({ x, y }: Point, scale: number): void {
    this.#place.setTranslate(x, y);
    if (this.#isNew('scale', String(scale))) this.#size.setScale(scale, scale);
  }

  hide(on: boolean): void {
    if (this.#isNew('hidden', on)) this.#group.setAttribute('visibility', on ? 'hidden' : 'visible');
  }

  show(state: 'dim' | 'lost', on: boolean): void {
    if (this.#isNew(state, on)) this.#group.classList.toggle(state, on);
  }

  /** @param to  where it ends, seen from the stanza */
  drawTrail(to: Point): void {
    this.#write(this.#trail, 'x2', to.x);
    this.#write(this.#trail, 'y2', to.y);
  }

  label(text: string, at: Point): void {
    this.#write(this.#letters, 'x', at.x);
    this.#write(this.#letters, 'y', at.y);
    if (this.#isNew('text', text)) this.#letters.textContent = text;
  }

  #write(of: SVGElement, name: string, value: number): void {
    const text = value.toFixed(1);
    if (this.#isNew(name, text)) of.setAttribute(name, text);
  }

  #isNew(name: string, value: string | boolean): boolean {
    if (this.#written.get(name) === value) return false;
    this.#written.set(name, value);
    return true;
  }
}

type Placed = Follower & { readonly way: string; readonly lane: number };

/**
 * Draws the moving stanzas: one loop, each position a function of the trace and the time. It runs only while there is
 * something to show. Elements are made and moved by hand: templates are too slow for 200 of them at 60 frames a second.
 */
export class Tokens {
  readonly #tokens = new Map<number, Token>();
  readonly #glows = new Map<number, SVGCircleElement>();
  readonly #reduced = matchMedia('(prefers-reduced-motion: reduce)');
  /** Nothing may move. */
  #still = false;
  #frame = 0;
  /** Whether copies of the selected stanza are moving: the others are dimmed. */
  #focusing = false;
  /** Draws them instead of their own elements, if they are too many. */
  #crowd: Crowd | undefined;
  readonly #layer: SVGGElement;
  readonly #store: () => Store;
  readonly #layout: () => Layout | undefined;

  constructor(layer: SVGGElement, store: () => Store, layout: () => Layout | undefined) {
    this.#layer = layer;
    this.#store = store;
    this.#layout = layout;
  }

  kick(): void {
    if (this.#frame === 0 && (!this.#store().picture.idle || this.#tokens.size > 0)) {
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
    this.#still = this.#reduced.matches;
    const { now } = this.#store();
    const flights = this.#store().picture.flights(now, glowMs);
    const live = new Set<number>();
    const standing = this.#standing(flights, layout, now);
    const { family } = this.#store();
    this.#focusing = family.size > 0 && flights.some((flight) => flight.end > now && family.has(flight.event.id));
    this.#gather();
    for (const flight of flights) {
      if (flight.start > now) continue;
      live.add(flight.event.id);
      if (flight.end > now) this.#place(flight, now, layout, standing);
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
    this.#crowd?.draw();
    // Where time stands, one look is enough until something changes.
    if (this.#store().moves) this.kick();
  }

  /** Whether they are a crowd by now, and no more so when they stand and somebody may want to choose one. */
  #gather(): void {
    const isCrowd = this.#tokens.size > crowdMost && this.#store().moves;
    if (isCrowd === (this.#crowd !== undefined)) return;
    this.#crowd?.remove();
    this.#crowd = isCrowd ? new Crowd(this.#layer) : undefined;
  }

  /** By way: the stanzas that wait on it, in the order in which they came. */
  #standing(flights: readonly Flight[], layout: Layout, now: number): ReadonlyMap<string, readonly number[]> {
    const standing = new Map<string, number[]>();
    for (const { event, start } of flights) {
      if (start > now || !this.#stands(event)) continue;
      const key = wayOf(event, layout, this.#store().model.network)?.key ?? '';
      standing.set(key, [...(standing.get(key) ?? []), event.id]);
    }
    return standing;
  }

  /** Whether it does not move all the way: what paused links hold back, and everything where nothing may move. */
  #stands(event: ModelEvent): boolean {
    return event.leg === 'link' && (this.#still || this.#store().picture.held(event));
  }

  #place(flight: Flight, now: number, layout: Layout, standing: ReadonlyMap<string, readonly number[]>): void {
    const { event } = flight;
    let token = this.#tokens.get(event.id);
    const find = () => wayOf(event, layout, this.#store().model.network);
    const way = token ? token.wayIn(layout, find) : find();
    if (!way) return this.#drop(event.id);
    let progress = Math.min(1, (now - flight.start) / Math.max(1, flight.end - flight.start));
    let error = event.stanza?.type === 'error';
    if (event.outcome === 'dropped') progress = Math.min(progress, 0.5);
    if (event.outcome === 'bounced' && progress > 0.5) {
      progress = 1 - progress;
      error = true;
    }
    if (this.#still) progress = 0.5;
    const kind: GlyphKind = error ? 'error' : (event.stanza?.name ?? 'iq');
    if (token && token.kind !== kind) {
      this.#drop(event.id);
      token = undefined;
    }
    const scale = layout.compact ? 0.85 : 1.25;
    if (!token) {
      token = this.#make(flight, kind, way, gapPx * scale);
      this.#tokens.set(event.id, token);
    }
    const s = this.#along(event, way, token, progress, standing.get(way.key) ?? [], gapPx * scale);
    const p = beside(way, s, token.lane * lanePx * scale);
    const isLost = event.outcome === 'dropped' && (now - flight.start) * 2 > flight.end - flight.start;
    const isDim = this.#focusing && !this.#store().family.has(event.id);
    if (this.#crowd) {
      if (s >= 0) this.#crowd.add(p, { kind, scale, isLost, isDim });
      return;
    }
    const isWaiting = standing.has(way.key) && this.#stands(event);
    const tail = isWaiting ? p : beside(way, Math.max(0, s - 0.14), token.lane * lanePx * scale);
    const aside = way.aside(s);
    token.move(p, scale);
    token.hide(s < 0);
    token.show('dim', isDim);
    token.show('lost', isLost);
    token.drawTrail({ x: (tail.x - p.x) / scale, y: (tail.y - p.y) / scale });
    token.label(this.#store().told.events.indexOf(event.id), { x: aside.x * 18, y: aside.y * 17 + 4 });
  }

  /** Where on its way, from 0 to 1; below 0 before it sets off. */
  #along(
    event: ModelEvent,
    way: Way,
    token: Token,
    progress: number,
    standing: readonly number[],
    gap: number,
  ): number {
    if (event.leg !== 'link') return progress * progress * (3 - 2 * progress);
    const place = placeAfter(progress, way);
    const s = placeBehind(place, token.lag, way.length);
    if (!this.#stands(event)) return s;
    const there = queuePlace(way, standing.indexOf(event.id), standing.length, gap);
    if (this.#still) return there;
    if (s < there) return s;
    token.lag = (place - there) * way.length;
    return there;
  }

  #make({ event, start, end }: Flight, kind: GlyphKind, { key: way, kind: leads, length }: Way, gap: number): Token {
    const others = [...this.#tokens.values()].filter((token) => token.way === way);
    const lag = leads === 'link' ? lagBehind(others, start, length / Math.max(1, end - start), gap) : 0;
    const taken = new Set(others.map((token) => token.lane));
    // A person is narrower than a node.
    const lanes = leads === 'link' ? [0] : Array.from({ length: leads === 'node' ? 7 : 3 }, (_, i) => laneOffset(i));
    const lane = lanes.find((one) => !taken.has(one)) ?? 0;
    const svg = this.#layer.ownerSVGElement as SVGSVGElement;
    const token = new Token(svg, event.id, kind, { way, lane, lag, start });
    this.#layer.append(token.element);
    return token;
  }

  #drop(id: number): void {
    this.#tokens.get(id)?.element.remove();
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
      circle = element('circle', 'glow');
      circle.dataset.kind = event.stanza?.type === 'error' ? 'error' : (event.stanza?.name ?? 'iq');
      this.#layer.prepend(circle);
      this.#glows.set(event.id, circle);
    }
    const age = this.#still ? 0.3 : (now - flight.end) / glowMs;
    circle.setAttribute('cx', String(at.x));
    circle.setAttribute('cy', String(at.y));
    circle.setAttribute('r', (layout.radius + 3 + 3 * age).toFixed(1));
    circle.setAttribute('opacity', Math.max(0, 1 - age).toFixed(2));
  }
}

/** A point beside the way. */
function beside(way: Way, s: number, offset: number): Point {
  const p = way.at(Math.min(1, Math.max(0, s)));
  if (offset === 0) return p;
  const [a, b] = [way.at(0), way.at(1)];
  const length = Math.hypot(b.x - a.x, b.y - a.y) || 1;
  return { x: p.x - ((b.y - a.y) / length) * offset, y: p.y + ((b.x - a.x) / length) * offset };
}
