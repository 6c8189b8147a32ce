import type { TracedStanza } from '../../core/node/trace.ts';
import { type Jid, resourceOf } from '../../core/xmpp/jid.ts';
import { childrenOf, peekChildren } from '../trace/peek.ts';

/** The same stanza is told to several models, and to each of them again after a way back. */
const summaries = new WeakMap<TracedStanza, string>();

/** A stanza in a few words, for one row of the log. */
export function summarise(stanza: TracedStanza): string {
  let summary = summaries.get(stanza);
  if (summary === undefined) {
    summary = inWords(stanza);
    summaries.set(stanza, summary);
  }
  return summary;
}

function inWords(stanza: TracedStanza): string {
  const children = childrenOf(stanza);
  const named = (name: string) => children.find((child) => child.name === name);
  if (stanza.type === 'error') {
    const why = errorText(stanza);
    return `${stanza.name} error${why ? `: ${shorten(why)}` : ''}${named('body') ? ` for “${shorten(named('body')?.text ?? '')}”` : ''}`;
  }
  if (stanza.name === 'message') {
    const body = named('body');
    if (body) return `“${shorten(body.text)}”${named('delay') ? ' (history)' : ''}`;
    const subject = named('subject');
    if (subject) return subject.text ? `subject: ${shorten(subject.text)}` : 'subject: none';
    if (stanza.xml.includes('<status code="104"')) return 'the configuration changed';
    // XEP-0249: in this namespace alone `x` has the address of a room.
    if (named('x') && stanza.xml.includes('xmlns="jabber:x:conference"')) return 'direct invitation to a room';
    return `message ${shorten(children.map((child) => child.name).join(', '))}`;
  }
  if (stanza.name === 'presence') {
    const nick = resourceOf(stanza.from as Jid);
    const what = stanza.type ?? named('show')?.text ?? 'available';
    const extra = children.filter((child) => !['show', 'status', 'x', 'c', 'priority'].includes(child.name));
    const more = extra.length ? ` + ${shorten(extra.map((child) => child.name).join(', '))}` : '';
    return `presence ${shorten(what)}${nick ? ` of ${nick}` : ''}${more}`;
  }
  const payload = children.find((child) => child.name !== 'error');
  return `iq ${stanza.type ?? ''} ${payload ? payload.name : '(empty)'}`;
}

export function shorten(text: string, length = 60): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}

export function isGroupchat({ name, type }: TracedStanza): boolean {
  return name === 'message' && type === 'groupchat';
}

export function bodyOf(stanza: TracedStanza): string | undefined {
  return childrenOf(stanza).find((child) => child.name === 'body')?.text;
}

/** Why somebody was refused: the condition of an error, and what it says for people to read (RFC 6120 §8.3). */
export function refusalIn(stanza: TracedStanza): string {
  const condition = conditionIn(stanza);
  const text = errorText(stanza);
  return text === undefined ? condition : `${condition}: ${text}`;
}

/** The condition of an error (RFC 6120 §8.3.3). */
export function conditionIn({ xml }: TracedStanza): string {
  return /<([\w-]+) xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/.exec(xml)?.[1] ?? 'error';
}

/** What an error says for people to read (RFC 6120 §8.3.2). */
export function errorText({ xml }: TracedStanza): string | undefined {
  const [element] = /<text(?:\s[^<>]*)?>[^<]+<\/text>/.exec(xml) ?? [];
  return element && peekChildren(`<error>${element}</error>`)[0]?.text;
}
