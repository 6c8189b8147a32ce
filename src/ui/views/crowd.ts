import type { Point } from '../boxes.ts';
import { type GlyphKind, glyphPath } from '../glyphs.ts';
import { element } from '../svg-element.ts';

/** What stanzas of a crowd look like. */
export interface Look {
  readonly kind: GlyphKind;
  readonly scale: number;
  readonly isLost: boolean;
  readonly isDim: boolean;
}

/** All stanzas of a look are one path. */
interface Herd {
  readonly path: SVGPathElement;
  /** The shape, seen from its middle. */
  readonly shape: string;
  readonly scale: number;
  places: string[];
}

/**
 * Stanzas that are too many to be drawn one by one: a browser draws one path with a thousand shapes sixty times a second, and a
 * thousand paths twenty times. While they are a crowd their own elements are not shown.
 */
export class Crowd {
  readonly #layer: SVGGElement;
  readonly #herds = new Map<string, Herd>();

  constructor(layer: SVGGElement) {
    this.#layer = layer;
    layer.classList.add('crowd');
  }

  add({ x, y }: Point, look: Look): void {
    const herd = this.#herdOf(look);
    herd.places.push(`M${(x / herd.scale).toFixed(1)} ${(y / herd.scale).toFixed(1)}${herd.shape}`);
  }

  /** Shows what was added since the last time. */
  draw(): void {
    for (const herd of this.#herds.values()) {
      herd.path.setAttribute('d', herd.places.join(''));
      herd.places = [];
    }
  }

  remove(): void {
    this.#layer.classList.remove('crowd');
    for (const { path } of this.#herds.values()) path.parentElement?.remove();
  }

  #herdOf({ kind, scale, isLost, isDim }: Look): Herd {
    const look = [kind, scale, ...(isLost ? ['lost'] : []), ...(isDim ? ['dim'] : [])].join(' ');
    const known = this.#herds.get(look);
    if (known) return known;
    const group = element('g', ['herd', ...(isLost ? ['lost'] : []), ...(isDim ? ['dim'] : [])].join(' '));
    group.dataset.kind = kind;
    group.setAttribute('transform', `scale(${scale})`);
    const path = element('path');
    group.append(path);
    this.#layer.append(group);
    const herd = { path, shape: glyphPath[kind].replace('M', 'm'), scale, places: [] };
    this.#herds.set(look, herd);
    return herd;
  }
}
