import type { OccupantHalf } from '../core/occupant/occupant.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import type { Person } from './trace.ts';

/** A person's client, and what their server knows of it. */
export interface User {
  readonly person: Person;
  readonly server: Jid;
  half: OccupantHalf;
  online: boolean;
  /** When the client went while its server takes it for online; undefined: it is there, or known to be gone. */
  lingers: object | undefined;
  /** Where the client sent presence: the server says goodbye there when it vanishes (RFC 6121 §4.6.3). */
  readonly directed: Set<Jid>;
}
