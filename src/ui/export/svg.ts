/** What the picture's own rules may set, beside what the attributes of its elements say. */
const properties = [
  'display',
  'visibility',
  'opacity',
  'fill',
  'fill-opacity',
  'fill-rule',
  'stroke',
  'stroke-width',
  'stroke-opacity',
  'stroke-dasharray',
  'stroke-linecap',
  'stroke-linejoin',
  'font-family',
  'font-size',
  'font-weight',
  'font-style',
  'text-anchor',
  'letter-spacing',
  'dominant-baseline',
  'paint-order',
  'transform',
  'transform-origin',
] as const;
/** For pointers and screen readers in the page. */
const inPageOnly = ['.hit', '[aria-owns]:empty'];
const kept =
  /^(d|x|y|x[12]|y[12]|r|rx|ry|cx|cy|w|width|height|points|viewBox|transform|dx|dy|id|patternUnits|patternTransform|role|aria-label)$/;

/**
 * A picture as it is drawn now, that looks the same without the page: styles are in its elements, on the page's ground.
 *
 * @param ground  CSS colour of what is behind it
 */
export function standAlone(picture: SVGSVGElement, ground: string): string {
  const copy = picture.cloneNode(true) as SVGSVGElement;
  style(picture, copy);
  for (const element of copy.querySelectorAll(inPageOnly.join())) element.remove();
  const { width, height } = picture.viewBox.baseVal;
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('width', String(width));
  copy.setAttribute('height', String(height));
  copy.setAttribute('role', 'img');
  copy.setAttribute('aria-label', 'Topology');
  const back = picture.ownerDocument.createElementNS('http://www.w3.org/2000/svg', 'rect');
  for (const [name, value] of Object.entries({ width: '100%', height: '100%', fill: ground }))
    back.setAttribute(name, value);
  copy.prepend(back);
  return `${new XMLSerializer().serializeToString(copy)}\n`;
}

/** Puts what the style sheets say of an element into its copy, and takes away what only the page needs. */
function style(of: SVGElement, copy: SVGElement): void {
  const computed = getComputedStyle(of);
  const said = properties.flatMap((name) => {
    const value = computed.getPropertyValue(name);
    return value === '' || value === usual[name] ? [] : [`${name}:${value.replace(/url\("[^"]*#/g, 'url("#')}`];
  });
  for (const { name } of [...copy.attributes]) if (!kept.test(name)) copy.removeAttribute(name);
  copy.setAttribute('style', said.join(';'));
  for (const child of [...copy.childNodes]) if (child instanceof Comment) child.remove();
  const [ofChildren, copies] = [[...of.children], [...copy.children]];
  for (const [i, child] of ofChildren.entries()) style(child as SVGElement, copies[i] as SVGElement);
}

/** What need not be said. */
const usual: Partial<Record<(typeof properties)[number], string>> = {
  display: 'inline',
  visibility: 'visible',
  opacity: '1',
  'fill-opacity': '1',
  'fill-rule': 'nonzero',
  'stroke-opacity': '1',
  'stroke-dasharray': 'none',
  'stroke-linecap': 'butt',
  'stroke-linejoin': 'miter',
  'font-style': 'normal',
  'letter-spacing': 'normal',
  'dominant-baseline': 'auto',
  'paint-order': 'normal',
  transform: 'none',
};
