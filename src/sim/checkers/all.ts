import type { Checker } from '../judge.ts';
import { archives, atHand } from './archives.ts';
import { authority } from './authority.ts';
import { durability, idempotence } from './durability.ts';
import { occupantIds } from './ids.ts';
import { leave } from './leave.ts';
import { noDuplicate, orderOfJoin, perSenderFifo } from './order.ts';
import { nicks, rosters } from './people.ts';
import { confidentiality, hygiene } from './secrets.ts';
import { lastPrivateWords, severalSessions } from './sessions.ts';
import { bounds, termination } from './traffic.ts';
import { integrity, lastWords, ownReflection } from './words.ts';

/** The invariants of all protocols, by the names they have in src/sim/invariants.md. */
export const checkers: Readonly<Record<string, Checker>> = {
  G1: orderOfJoin,
  G2: integrity,
  G3: perSenderFifo,
  G4: noDuplicate,
  G5: ownReflection,
  G6: leave,
  G7: confidentiality,
  G8: hygiene,
  G9: authority,
  G10: nicks,
  G11: rosters,
  G12: termination,
  G13: bounds,
  G14: durability,
  G15: idempotence,
  G16: occupantIds,
  G17: severalSessions,
  G18: lastPrivateWords,
  G19: archives,
  G20: atHand,
  liveness: lastWords,
};
