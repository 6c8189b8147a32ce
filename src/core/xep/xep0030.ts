/** XEP-0030: Service Discovery, version 2.5rc3. */
import { NS } from '../xmpp/namespaces.ts';
import { iqResult, payloadOf, type Stanza } from '../xmpp/stanza.ts';
import { el, type XmlElement } from '../xmpp/xml.ts';

export interface DiscoQuery {
  readonly kind: 'info' | 'items';
  /** The request itself. */
  readonly query: XmlElement;
  readonly node?: string;
}
export interface DiscoInfo {
  readonly identity: { readonly category: string; readonly type: string; readonly name?: string };
  readonly features: readonly string[];
  readonly forms?: readonly XmlElement[];
}
export interface DiscoItem {
  readonly jid: string;
  readonly name?: string;
  readonly node?: string;
}

export function readDisco(stanza: Stanza): DiscoQuery | undefined {
  if (stanza.name !== 'iq' || stanza.type !== 'get') return undefined;
  const info = payloadOf(stanza, 'query', NS.discoInfo);
  const query = info ?? payloadOf(stanza, 'query', NS.discoItems);
  if (!query) return undefined;
  const kind = info ? 'info' : 'items';
  const node = query.attrs['node'];
  return node === undefined ? { kind, query } : { kind, query, node };
}

export function discoInfoResult(request: Stanza, info: DiscoInfo, node?: string): Stanza {
  const { category, type, name } = info.identity;
  return iqResult(
    request,
    el(
      'query',
      NS.discoInfo,
      { node },
      el('identity', NS.discoInfo, { category, type, name }),
      ...info.features.map((feature) => el('feature', NS.discoInfo, { var: feature })),
      ...(info.forms ?? []),
    ),
  );
}

export function writeDiscoItem({ jid, name, node }: DiscoItem): XmlElement {
  return el('item', NS.discoItems, { jid, name, node });
}
