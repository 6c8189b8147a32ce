import type { Page } from '@playwright/test';

/** What of the picture lies on something else, or outside of where it belongs, by the boxes that the browser has drawn. */
export function collisions(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const svg = document.querySelector<SVGElement>('.picture');
    if (!svg) return ['no picture'];
    const named = (selector: string) =>
      [...svg.querySelectorAll<SVGElement>(selector)].map((element) => {
        const owner = element.closest<SVGElement>('[data-server],[data-id],[data-link-label],[data-event]');
        const { server, id, linkLabel, event } = owner?.dataset ?? {};
        const what = element.getAttribute('class') ?? element.tagName;
        return {
          what: `${what} of ${server ?? id ?? linkLabel ?? event}`,
          element,
          box: element.getBoundingClientRect(),
        };
      });
    const meet = (a: DOMRect, b: DOMRect) =>
      a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
    const holds = (a: DOMRect, b: DOMRect) =>
      b.left > a.left - 1 && b.right < a.right + 1 && b.top > a.top - 1 && b.bottom < a.bottom + 1;

    const faults: string[] = [];
    const apart = (selector: string) => {
      const all = named(selector);
      for (const [i, one] of all.entries())
        for (const other of all.slice(i + 1))
          if (meet(one.box, other.box)) faults.push(`${one.what} lies on ${other.what}`);
    };
    apart('.domain, .hub, .node > rect, .vacancy > rect, .disc, .nick, .badge, .pill > rect');
    apart('.node > text, .vacancy > text');
    apart('.token > path, .pill > rect, .domain, .nick');
    apart('.token .copy, .pill > rect, .domain, .nick');
    const inside = (selector: string, of: (element: SVGElement) => Element | null) => {
      for (const { what, element, box } of named(selector)) {
        const outer = of(element)?.getBoundingClientRect();
        if (outer && !holds(outer, box)) faults.push(`${what} is not inside of what it belongs to`);
      }
    };
    inside('.server > rect, .pill > rect, .nick, .badge', () => svg);
    for (const kind of ['node', 'vacancy', 'pill', 'server'])
      inside(`.${kind} > text`, (element) => element.parentElement?.querySelector('rect') ?? null);
    const hulls = named('.server > rect');
    for (const { what, box } of named('.nick, .badge, .disc'))
      if (!hulls.some((hull) => holds(hull.box, box))) faults.push(`${what} is in no hull`);
    return faults;
  });
}

/**
 * What can be pressed and is not reached where it is drawn, or has no name, or is not to be had with the keyboard.
 * A link may be crossed by another.
 */
export function unreachable(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const faults: string[] = [];
    const pressable =
      'button, a[href], summary, select, input, textarea, [role=button], [role=link], [role=tab], [role=row][data-event], [data-link-label]';
    const called = (element: Element) =>
      element.getAttribute('aria-label') ??
      element.getAttribute('data-testid') ??
      element.getAttribute('data-link-label') ??
      `${element.tagName} ${element.textContent?.trim().slice(0, 40)}`;
    const textOf = (ids: string | null) =>
      (ids ?? '')
        .split(' ')
        .map((id) => document.getElementById(id)?.textContent ?? '')
        .join(' ')
        .trim();
    const nameOf = (element: Element) =>
      element.getAttribute('aria-label') ||
      textOf(element.getAttribute('aria-labelledby')) ||
      ('labels' in element ? [...((element.labels as NodeListOf<Element> | null) ?? [])] : [])
        .map((label) => label.textContent?.trim())
        .join(' ') ||
      element.textContent?.trim() ||
      element.getAttribute('title');
    const tabbable = (element: Element) => (element as HTMLElement).tabIndex >= 0;
    /** One stop of the Tab key for several things, and arrow keys among them. */
    const composite = (element: Element) => element.closest('[role=tablist], [role=treegrid], .picture');
    const byKeyboard = (element: Element) => {
      const whole = composite(element);
      return (
        tabbable(element) || (whole && (tabbable(whole) || [...whole.querySelectorAll('[tabindex]')].some(tabbable)))
      );
    };
    const pointsOf = (element: Element): DOMPoint[] => {
      const line = element.querySelector<SVGPathElement>('.line');
      const matrix = line?.getScreenCTM();
      if (line && matrix) {
        const length = line.getTotalLength();
        const hulls = [...document.querySelectorAll('.server > rect')].map((rect) => rect.getBoundingClientRect());
        return Array.from({ length: 41 }, (_, i) =>
          line.getPointAtLength((i / 40) * length).matrixTransform(matrix),
        ).filter(
          ({ x, y }) =>
            !hulls.some((hull) => x > hull.left - 3 && x < hull.right + 3 && y > hull.top - 3 && y < hull.bottom + 3),
        );
      }
      const drawn = element.querySelectorAll(':scope > .disc, :scope > .nick, :scope > rect:not(.hit)');
      const boxes = [...(drawn.length > 0 ? drawn : [element])].map((one) => one.getBoundingClientRect());
      const shares = [
        [0.5, 0.5],
        [0.2, 0.5],
        [0.8, 0.5],
        [0.5, 0.25],
        [0.5, 0.75],
      ] as const;
      return boxes.flatMap(({ left, top, width, height }) =>
        shares.map(([x, y]) => new DOMPoint(left + x * width, top + y * height)),
      );
    };
    for (const element of document.querySelectorAll(pressable)) {
      if (!element.checkVisibility({ visibilityProperty: true }) || element.closest('[popover]:not(:popover-open)'))
        continue;
      const row = element.matches('[role=row]');
      if (!element.closest('.picture') && !row) element.scrollIntoView({ block: 'nearest', inline: 'nearest' });
      // A row at the edge of the log is only partly there.
      const view = row ? element.closest('[role=treegrid]')?.getBoundingClientRect() : undefined;
      const box = element.getBoundingClientRect();
      if (view && (box.top < view.top || box.bottom > view.bottom)) continue;
      const points = pointsOf(element);
      const missed = points.filter(({ x, y }) => {
        const hit = document.elementFromPoint(x, y);
        return !hit || !(element.contains(hit) || (hit.closest('label')?.contains(element) ?? false));
      });
      const isLink = element.matches('.link');
      const others = missed.filter(({ x, y }) => !isLink || !document.elementFromPoint(x, y)?.closest('.link'));
      if (points.length === 0) faults.push(`${called(element)} is drawn nowhere`);
      if (others.length > 0) {
        const over = document.elementFromPoint(others[0]?.x ?? 0, others[0]?.y ?? 0);
        faults.push(`${called(element)} lies below ${over?.outerHTML.slice(0, 90)}`);
      }
      // Of a short link another one that crosses it takes a good part.
      if (missed.length > points.length / (isLink ? 2 : 3)) faults.push(`${called(element)} can hardly be pressed`);
      // A counter is a place to press its link, which is named and reached by itself.
      const named = element.matches('[data-link-label]')
        ? document.querySelector(`[data-link="${element.getAttribute('data-link-label')}"]`)
        : element;
      if (!named || !nameOf(named)) faults.push(`${called(element)} has no name`);
      if (!named || (!byKeyboard(named) && !(named as HTMLButtonElement).disabled))
        faults.push(`${called(element)} is not to be had with the keyboard`);
    }
    return faults;
  });
}

/** What the arrow keys do not reach in the picture, from where Tab enters it. */
export function beyondArrows(page: Page): Promise<readonly string[]> {
  return page.evaluate(async () => {
    const picture = document.querySelector('.picture');
    const part = picture?.closest('ns-topology') as (Element & { updateComplete: Promise<unknown> }) | null;
    if (!picture || !part) return ['no picture'];
    const at = (id: string) => picture.querySelector<SVGElement>(`[data-id="${CSS.escape(id)}"]`);
    const reached = new Set([picture.querySelector<SVGElement>('[tabindex="0"]')?.dataset['id'] ?? '']);
    for (const id of reached) {
      for (const key of ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown']) {
        at(id)?.focus();
        await part.updateComplete;
        at(id)?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
        await part.updateComplete;
        // The focus goes along once what is new is drawn.
        await part.updateComplete;
        reached.add((document.activeElement as SVGElement | null)?.dataset['id'] ?? id);
      }
    }
    const all = [...picture.querySelectorAll<SVGElement>('[data-id]')].map(({ dataset }) => dataset['id'] ?? '');
    return all.filter((id) => !reached.has(id));
  });
}
