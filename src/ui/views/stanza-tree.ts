import { html, nothing, type TemplateResult } from 'lit';
import { parseXml } from '../trusted-types.ts';

const deepest = 40;
const widest = 200;

/** A stanza as a tree that folds. All of it is text: nothing from the network becomes markup or a link. */
export function stanzaTree(xml: string): TemplateResult {
  if (xml.length > 100_000)
    return html`<pre class="raw">${xml.slice(0, 100_000)}…</pre><p class="note">Cut here: ${xml.length} characters.</p>`;
  const root = parseXml(xml).documentElement;
  // What does not parse becomes an element of this name, in every browser.
  if (root.getElementsByTagName('parsererror').length > 0 || root.nodeName === 'parsererror') {
    return html`<pre class="raw" data-testid="stanza-raw">${xml}</pre>`;
  }
  return html`<div class="xml" data-testid="stanza">${element(root, '', 0)}</div>`;
}

function element(node: Element, inherited: string, depth: number): TemplateResult {
  const namespace = node.getAttribute('xmlns') ?? inherited;
  const attributes = [...node.attributes].filter(
    (attribute) => attribute.name !== 'xmlns' || attribute.value !== inherited,
  );
  const open = html`<span class="tag">&lt;${node.nodeName}</span>${attributes.map(
    ({ name, value }) => html` <span class="attr">${name}</span>=<span class="value">"${value}"</span>`,
  )}`;
  const children = [...node.childNodes].slice(0, widest);
  if (children.length === 0) return html`<div class="leaf">${open}<span class="tag">/&gt;</span></div>`;
  if (depth > deepest) return html`<div class="leaf">${open}<span class="tag">&gt;</span>…</div>`;
  const only = children.length === 1 && !(children[0] instanceof Element);
  if (only) {
    return html`<div class="leaf">${open}<span class="tag">&gt;</span><span class="text">${node.textContent}</span><span class="tag">&lt;/${node.nodeName}&gt;</span></div>`;
  }
  return html`<details open>
    <summary>${open}<span class="tag">&gt;</span></summary>
    <div class="inner">${children.map((child) =>
      child instanceof Element
        ? element(child, namespace, depth + 1)
        : child.textContent?.trim()
          ? html`<div class="leaf text">${child.textContent}</div>`
          : nothing,
    )}${node.childNodes.length > widest ? html`<div class="leaf">… ${node.childNodes.length - widest} more</div>` : nothing}</div>
    <div class="leaf close"><span class="tag">&lt;/${node.nodeName}&gt;</span></div>
  </details>`;
}
