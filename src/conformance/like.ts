/** What a stanza has to be like, with the words for it in a report. */
import { readStatuses } from '../core/xep/xep0045.ts';
import { readFmuc } from '../core/xep/xep0289.ts';
import type { Condition } from '../core/xmpp/errors.ts';
import { bareOf, type Jid, resourceOf } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { bodyOf, errorOf, payloadOf, type Stanza } from '../core/xmpp/stanza.ts';
import { childOf, textOf, type XmlElement } from '../core/xmpp/xml.ts';

export interface Like {
  readonly words: string;
  fits(stanza: Stanza): boolean;
}

export function like(words: string, fits: (stanza: Stanza) => boolean): Like {
  return { words, fits };
}

/** All of them. */
export function all(...likes: readonly Like[]): Like {
  return like(likes.map(({ words }) => words).join(' '), (stanza) => likes.every((one) => one.fits(stanza)));
}

export function either(words: string, ...likes: readonly Like[]): Like {
  return like(words, (stanza) => likes.some((one) => one.fits(stanza)));
}

export function not(words: string, { fits }: Like): Like {
  return like(words, (stanza) => !fits(stanza));
}

export const anything = like('anything', () => true);
/** For a pause. */
export const nothing = like('nothing', () => false);

/** Available presence. */
export const available = like('a presence', ({ name, type }) => name === 'presence' && type === undefined);
export const unavailable = like(
  'an unavailable presence',
  ({ name, type }) => name === 'presence' && type === 'unavailable',
);
export const groupchat = like('a groupchat message', ({ name, type }) => name === 'message' && type === 'groupchat');
/** To one person alone: of whatever type but that of messages to all, and no error. */
export const privately = like(
  'a private message',
  ({ name, type }) => name === 'message' && type !== 'groupchat' && type !== 'error',
);
export const isError = like('an error', ({ type }) => type === 'error');
export const iqSet = like('an iq of type set', ({ name, type }) => name === 'iq' && type === 'set');
export const iqGet = like('an iq of type get', ({ name, type }) => name === 'iq' && type === 'get');

export function from(address: Jid): Like {
  return like(`from ${address}`, (stanza) => stanza.from === address);
}
/** From the room or any of its occupants. */
export function fromRoom(room: Jid): Like {
  return like(`from ${room}`, (stanza) => bareOf(stanza.from) === room);
}
export function to(address: Jid): Like {
  return like(`to ${address}`, (stanza) => stanza.to === address);
}
/** To the bare address or one of its resources. */
export function toAny(address: Jid): Like {
  return like(`to ${address}`, (stanza) => bareOf(stanza.to) === address);
}

export function says(text: string): Like {
  return like(`with the body “${text}”`, (stanza) => bodyOf(stanza) === text);
}
export function subjectIs(text: string): Like {
  return like(`with the subject “${text}”`, (stanza) => subjectOf(stanza) === text);
}
export const hasSubject = like(
  'with a <subject/> and no <body/>',
  (stanza) => subjectOf(stanza) !== undefined && bodyOf(stanza) === undefined,
);

export function subjectOf(stanza: Stanza): string | undefined {
  const subject = payloadOf(stanza, 'subject', NS.client);
  return subject && textOf(subject);
}

export function shows(show: string): Like {
  return like(`with <show>${show}</show>`, (stanza) => {
    const element = payloadOf(stanza, 'show', NS.client);
    return element !== undefined && textOf(element) === show;
  });
}

export function status(code: number): Like {
  return like(`with the status ${code}`, ({ payloads }) => readStatuses(payloads).includes(code));
}

export function has(name: string, xmlns: string, words = `with <${name} xmlns='${xmlns}'/>`): Like {
  return like(words, (stanza) => payloadOf(stanza, name, xmlns) !== undefined);
}

export function hasInside(outer: readonly [string, string], name: string, xmlns: string, words: string): Like {
  return like(words, (stanza) => {
    const payload = payloadOf(stanza, ...outer);
    return payload !== undefined && childOf(payload, name, xmlns) !== undefined;
  });
}

/** `<item/>` of muc#user: XEP-0045 §7.2.2. */
export const hasItem = hasInside(
  ['x', NS.mucUser],
  'item',
  NS.mucUser,
  'with an <item/> in muc#user that says affiliation and role',
);

export function itemOf(stanza: Stanza): XmlElement | undefined {
  const x = payloadOf(stanza, 'x', NS.mucUser);
  return x && childOf(x, 'item', NS.mucUser);
}

/** `<fmuc from/>`: XEP-0289 §5. */
export function fmucFrom(user: Jid): Like {
  return like(`with <fmuc from='${user}'/>`, ({ payloads }) => {
    const fmuc = readFmuc(payloads);
    return fmuc?.kind === 'from' && fmuc.from === user;
  });
}
export const hasFmuc = has('fmuc', NS.fmuc);

/** XEP-0203, or what the listings of XEP-0281 and XEP-0289 write in its place. */
export const isDelayed = like('with a delay', ({ payloads }) => payloads.some(isDelay));

function isDelay({ name, xmlns, attrs }: XmlElement): boolean {
  return xmlns === NS.delay && (name === 'delay' || name === 'x') && (attrs['stamp'] ?? '') !== '';
}

/** Nothing that only nodes tell each other. */
export const forUsers = like(
  'without anything that is meant for nodes',
  ({ payloads }) =>
    !payloads.some(
      ({ xmlns, name }) =>
        xmlns === NS.fmuc || xmlns === NS.dmuc2 || xmlns === NS.ext || (xmlns === NS.dmuc1 && name !== 'query'),
    ),
);

/** @param conditions  any of these; none: any error */
export function errorWith(...conditions: readonly Condition[]): Like {
  const words = conditions.length === 0 ? 'an error' : `an error ${conditions.join(' or ')}`;
  return like(words, (stanza) => {
    const error = stanza.type === 'error' ? errorOf(stanza) : undefined;
    return error !== undefined && (conditions.length === 0 || conditions.includes(error.condition));
  });
}

/** The answer to an iq, be it a result or an error. */
export function answers({ id, to: asked, from: asker }: Stanza): Like {
  return like(
    `the answer to the iq “${id}”`,
    (stanza) =>
      stanza.name === 'iq' &&
      (stanza.type === 'result' || stanza.type === 'error') &&
      stanza.id === id &&
      stanza.from === asked &&
      stanza.to === asker,
  );
}
export const isResult = like('a result', ({ name, type }) => name === 'iq' && type === 'result');

export const nickOf = ({ from: occupant }: Stanza): string => resourceOf(occupant);
