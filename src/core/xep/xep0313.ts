/** XEP-0313: Message Archive Management, version 1.1.2. */
import type { Jid } from '../xmpp/jid.ts';
import { parseJid } from '../xmpp/jid.ts';
import type { Instant } from '../xmpp/time.ts';
import { attributeLength, el, type XmlElement } from '../xmpp/xml.ts';
import { givenValues, readForm, writeForm } from './xep0004.ts';
import { type PageRequest, readPage } from './xep0059.ts';
import { readStamp } from './xep0082.ts';

export const mam = 'urn:xmpp:mam:2';

export interface ArchiveQuery {
  readonly queryId?: string;
  readonly start?: Instant;
  readonly end?: Instant;
  /** In a room: the occupant JID of the author (§6.1.2). */
  readonly with?: Jid;
  readonly page: PageRequest;
}

const queryIdMax = 1024;

/** A query; text names what is wrong with it. */
export function readQuery(query: XmlElement): ArchiveQuery | { readonly error: string } {
  const form = readForm(query);
  if (form?.formType !== undefined && form.formType !== mam) return { error: `FORM_TYPE is ${form.formType}` };
  // XEP-0004 §3.6: a field without a value asks for nothing.
  const value = (name: string) => givenValues(form?.fields.find((field) => field.var === name)?.values ?? [])[0];
  const queryId = query.attrs['queryid'];
  // It comes back with every message of the page.
  if (queryId !== undefined && attributeLength(queryId) > queryIdMax)
    return { error: `queryid may be ${queryIdMax} bytes long` };
  let result: ArchiveQuery = { page: readPage(query), ...(queryId === undefined ? {} : { queryId }) };
  for (const name of ['start', 'end'] as const) {
    const text = value(name);
    if (text === undefined) continue;
    const at = readStamp(text);
    if (at === undefined) return { error: `${name} is no XEP-0082 DateTime: ${text}` };
    result = { ...result, [name]: at };
  }
  const other = value('with');
  if (other === undefined) return result;
  const jid = parseJid(other);
  return jid === undefined ? { error: `with is no JID: ${other}` } : { ...result, with: jid };
}

/** §4.1.5: what may be asked for. */
export function queryForm(): XmlElement {
  return el(
    'query',
    mam,
    {},
    writeForm({
      type: 'form',
      formType: mam,
      fields: [
        { var: 'with', type: 'jid-single', values: [] },
        { var: 'start', type: 'text-single', values: [] },
        { var: 'end', type: 'text-single', values: [] },
      ],
    }),
  );
}

export function writeResult(id: string, queryId: string | undefined, forwarded: XmlElement): XmlElement {
  return el('result', mam, { queryid: queryId, id }, forwarded);
}

export function writeFin(complete: boolean, set: XmlElement): XmlElement {
  return el('fin', mam, complete ? { complete: 'true' } : {}, set);
}
