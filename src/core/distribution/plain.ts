import type { Traits } from '../room/traits.ts';
import type { Protocol } from './protocol.ts';

/** Everybody is in by this node, and nobody has to be told. */
const traits: Traits = {
  features: [],
  configFields: [],
  keepsChanges: false,
  givesOccupantIds: true,
  reaches: ({ home }) => home === undefined,
  decidesAbout: () => true,
};

/** XEP-0045 alone: no peers. The reference everything is compared with. */
export const plain: Protocol = {
  traits,
  byService: false,
  status: () => ({ role: 'plain' }),
  fromPeer: () => false,
  fromUser: () => false,
  homeOf: () => undefined,
  decide: () => 'commit',
  spread: () => {},
  route: () => {},
  linkUp: () => {},
  timer: () => {},
};
