const svgNamespace = 'http://www.w3.org/2000/svg';

/** An element of a picture that is made by hand. */
export function element<K extends keyof SVGElementTagNameMap>(name: K, className = ''): SVGElementTagNameMap[K] {
  const made = document.createElementNS(svgNamespace, name);
  if (className !== '') made.setAttribute('class', className);
  return made;
}
