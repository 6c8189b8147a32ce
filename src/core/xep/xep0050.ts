/** XEP-0050: Ad-Hoc Commands, version 1.3.0, read on 2026-11-28: the `<command/>` of a request and of its answer. */
import { NS } from '../xmpp/namespaces.ts';
import { el, type XmlElement } from '../xmpp/xml.ts';
import { type Form, readForm, writeForm } from './xep0004.ts';

export interface CommandRequest {
  readonly node: string;
  /** Absent in the first request of a session. */
  readonly sessionid?: string | undefined;
  /** `execute` if the request names none (§3.4). As received: the entity that executes it knows which actions it takes. */
  readonly action: string;
  readonly form?: Form | undefined;
}

export interface CommandAnswer {
  readonly node: string;
  readonly sessionid: string;
  readonly status: 'executing' | 'completed' | 'canceled';
  /** The actions that are allowed next, the default one first (§3.4). */
  readonly actions?: readonly ('prev' | 'next' | 'complete')[];
  readonly form?: Form;
  /** What was done, for people (§4.3). */
  readonly note?: string;
}

/** @returns undefined if it is no command, or names none */
export function readCommand(payload: XmlElement): CommandRequest | undefined {
  const { node, sessionid, action = 'execute' } = payload.attrs;
  if (payload.name !== 'command' || payload.xmlns !== NS.commands || node === undefined) return undefined;
  return { node, sessionid, action, form: readForm(payload) };
}

export function writeCommand({ node, sessionid, action, form }: CommandRequest): XmlElement {
  return el('command', NS.commands, { node, sessionid, action }, ...(form ? [writeForm(form)] : []));
}

export function writeCommandAnswer({ node, sessionid, status, actions, form, note }: CommandAnswer): XmlElement {
  const [execute] = actions ?? [];
  return el(
    'command',
    NS.commands,
    { node, sessionid, status },
    ...(actions ? [el('actions', NS.commands, { execute }, ...actions.map((action) => el(action, NS.commands)))] : []),
    ...(form ? [writeForm(form)] : []),
    ...(note === undefined ? [] : [el('note', NS.commands, { type: 'info' }, note)]),
  );
}
