/** XEP-0289: Federated MUC for Constrained Environments, version 0.2.1: the `<fmuc/>` between nodes. */
import { type Jid, parseJid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { payloadIn } from '../xmpp/stanza.ts';
import { childOf, el, element, textOf, type XmlElement, type XmlNode } from '../xmpp/xml.ts';

export type Fmuc =
  /** The user whom this stanza is about: always a real JID, or the opaque one of decisions.md. */
  | { readonly kind: 'from'; readonly from: Jid }
  /** §5.1: the joined node refuses; text for people. */
  | { readonly kind: 'reject'; readonly text: string }
  /** §5.4: the joined node says that the joining node is out of the set. */
  | { readonly kind: 'left' };

export function readFmuc(payloads: readonly XmlElement[]): Fmuc | undefined {
  const fmuc = payloadIn(payloads, 'fmuc', NS.fmuc);
  if (!fmuc) return undefined;
  const reject = childOf(fmuc, 'reject', NS.fmuc);
  if (reject) return { kind: 'reject', text: textOf(reject) };
  if (childOf(fmuc, 'left', NS.fmuc)) return { kind: 'left' };
  const from = parseJid(fmuc.attrs['from'] ?? '');
  return from && { kind: 'from', from };
}

export function writeFmuc(fmuc: Fmuc): XmlElement {
  if (fmuc.kind === 'from') return element('fmuc', NS.fmuc, { from: fmuc.from });
  if (fmuc.kind === 'left') return el('fmuc', NS.fmuc, {}, el('left', NS.fmuc));
  return el('fmuc', NS.fmuc, {}, el('reject', NS.fmuc, {}, ...(fmuc.text === '' ? [] : [fmuc.text])));
}

/** Our extension to a join: `<link mode/>` inside `<fmuc/>`, the mode that its sender is in; without it, primary-primary. Decision #153. */
export function writeMode(mode: string): XmlElement {
  return el('link', NS.ext, { mode });
}

export function readMode(parent: { readonly children: readonly XmlNode[] } | undefined): string | undefined {
  return parent && childOf(parent, 'link', NS.ext)?.attrs['mode'];
}
