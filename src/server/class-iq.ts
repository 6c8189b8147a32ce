import { readClassNick, readClassState } from '../core/xep/classroom.ts';
import { stanzaError } from '../core/xmpp/errors.ts';
import { iqResult } from '../core/xmpp/stanza.ts';
import { textOf, type XmlElement } from '../core/xmpp/xml.ts';
import type { Answer, Classes } from './classes.ts';
import type { AnsweringServer, Envelope } from './envelope.ts';
import type { Session } from './session.ts';

/** Answers what a page asks of the classes (core/xep/classroom.ts). */
export function answerClass(server: AnsweringServer, envelope: Envelope, payload: XmlElement): void {
  const { stanza, origin } = envelope;
  const answer =
    origin === undefined
      ? stanzaError('auth', 'forbidden', 'a class is of this server’s own users')
      : perform(server.network.classes, origin, payload);
  if ('condition' in answer) server.bounce(envelope, answer);
  else server.reply(envelope, iqResult(stanza, ...answer), '6120#8.2.3');
}

function perform(classes: Classes, session: Session, request: XmlElement): Answer {
  const { code = '', key = '', nick = '', question = '', who = '', secret = '' } = request.attrs;
  switch (request.name) {
    case 'open':
      return classes.open(session, code, key);
    case 'state': {
      const state = readClassState(request);
      const wrong = stanzaError('modify', 'bad-request', 'this is too long to be shown, or not a state');
      return state === undefined ? wrong : classes.show(session, state);
    }
    case 'close':
      return classes.close(session);
    case 'follow':
      return classes.follow(session, code, readClassNick(nick), /^[!-~]{16,100}$/.test(secret) ? secret : '');
    case 'answer':
      return classes.answer(session, question, textOf(request));
    case 'take':
      return classes.take(session, who);
    case 'give':
      return classes.give(session);
    case 'release':
      return classes.release(session, who);
    case 'say':
      return classes.say(session, request);
    case 'leave':
      return classes.leave(session);
    default:
      return stanzaError('cancel', 'feature-not-implemented', `a class knows no ${request.name.slice(0, 40)}`);
  }
}
