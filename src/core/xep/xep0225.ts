/** XEP-0225: Component Connections, version 0.2, read on 2026-11-28: the binding of hostnames (§4). */
import { NS } from '../xmpp/namespaces.ts';
import { childOf, el, textOf, type XmlElement } from '../xmpp/xml.ts';

export interface HostBinding {
  readonly action: 'bind' | 'unbind';
  /** As it was sent: not yet a JID. `undefined` where there is none, as in a stream feature. */
  readonly hostname: string | undefined;
}

/** @returns undefined if it is no payload of hostname binding */
export function readHostBinding(payload: XmlElement): HostBinding | undefined {
  const { name, xmlns } = payload;
  if (xmlns !== NS.component || (name !== 'bind' && name !== 'unbind')) return undefined;
  const hostname = childOf(payload, 'hostname', NS.component);
  return { action: name, hostname: hostname && textOf(hostname) };
}

/** Of a request, or of the result that names the hostname that was bound. */
export function writeHostBinding({ action, hostname }: HostBinding): XmlElement {
  const named = hostname === undefined ? [] : [el('hostname', NS.component, {}, hostname)];
  return el(action, NS.component, {}, ...named);
}

/** What a server that offers hostname binding advertises. */
export function hostBindingFeature(required: boolean): XmlElement {
  return el('bind', NS.component, {}, ...(required ? [el('required', NS.component)] : []));
}
