import type { Spec } from '../turn/spec.ts';
import { type Condition, type ErrorType, stanzaError } from '../xmpp/errors.ts';
import { errorReply, type Stanza } from '../xmpp/stanza.ts';
import type { XmlElement } from '../xmpp/xml.ts';
import type { RoomTurn } from './room-turn.ts';

/** Why something may not be, and the rule that says so. It is also the stanza error that answers the request (RFC 6120 §8.3). */
export interface Refusal {
  readonly kind: 'refusal';
  readonly type: ErrorType;
  readonly condition: Condition;
  readonly spec: Spec;
  readonly text?: string | undefined;
}

export function refusal(type: ErrorType, condition: Condition, spec: Spec, text?: string): Refusal {
  return { kind: 'refusal', type, condition, spec, text };
}

/** @param children  of the request, which the error brings back */
export function refuse(turn: RoomTurn, stanza: Stanza, why: Refusal, ...children: readonly XmlElement[]): void {
  turn.send(errorReply(stanza, stanzaError(why.type, why.condition, why.text), ...children), why.spec);
}
