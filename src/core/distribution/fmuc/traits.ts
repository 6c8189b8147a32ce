import type { Traits } from '../../room/traits.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { contradiction, fmucFields } from './config-fields.ts';

/**
 * An occupant's own node says which rank they have, and decides what becomes of them (§5.5, decision #62). Users of other
 * nodes know this room by an address that is not its own.
 */
export const traits: Traits = {
  features: [NS.fmuc, NS.ext],
  configFields: fmucFields,
  contradiction,
  keepsChanges: false,
  givesOccupantIds: true,
  reaches: ({ home }) => home === undefined,
  decidesAbout: ({ home }) => home === undefined,
  mayRemove: () => true,
};
