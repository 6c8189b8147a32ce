import { render, type TemplateResult } from 'lit';

/**
 * Elements for the rows that are in view. A row keeps its element while it is in view, and what goes leaves its element to what
 * comes, so their number does not grow. (lit's `repeat` leaves a comment behind for each row that goes.)
 */
export class RowPool {
  readonly #used = new Map<number, HTMLElement>();

  /** Makes the rows the content of the box, in their order. */
  show(box: HTMLElement, rows: readonly { readonly key: number; readonly row: TemplateResult }[]): void {
    const wanted = new Set(rows.map(({ key }) => key));
    const free = new Set<Element>();
    for (const [key, element] of this.#used) {
      if (wanted.has(key)) continue;
      this.#used.delete(key);
      free.add(element);
    }
    // An element that stays where it is costs the least: what is moved is styled and laid out anew.
    let next = box.firstElementChild;
    for (const { key, row } of rows) {
      const known = this.#used.get(key);
      while (known !== undefined && next !== null && free.has(next)) next = next.nextElementSibling;
      const reused = next !== null && free.has(next) ? next : free.values().next().value;
      const element = known ?? (reused as HTMLElement | undefined) ?? newSlot();
      free.delete(element);
      this.#used.set(key, element);
      render(row, element);
      if (element === next) next = element.nextElementSibling;
      else box.insertBefore(element, next);
    }
    for (const element of free) element.remove();
  }
}

/** Is no box of its own: the row in it is laid out as if it were in its place. */
function newSlot(): HTMLElement {
  const slot = document.createElement('div');
  slot.className = 'slot';
  slot.role = 'none';
  return slot;
}
