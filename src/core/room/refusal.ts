import type { Spec } from '../turn/spec.ts';
import type { Condition, ErrorType } from '../xmpp/errors.ts';

/** Why something may not be, and the rule that says so. It is also the stanza error that answers the request (RFC 6120 §8.3). */
export interface Refusal {
  readonly kind: 'refusal';
  readonly type: ErrorType;
  readonly condition: Condition;
  readonly spec: Spec;
  readonly text?: string | undefined;
  /** Where to go instead, of a `redirect`. */
  readonly to?: string;
}

export function refusal(type: ErrorType, condition: Condition, spec: Spec, text?: string): Refusal {
  return { kind: 'refusal', type, condition, spec, text };
}
