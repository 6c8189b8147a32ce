import type { Traits } from '../room/traits.ts';
import type { Protocol } from './protocol.ts';

/** This node serves everybody, and there are no other nodes to tell. */
const traits: Traits = {
  features: [],
  configFields: [],
  keepsChanges: false,
  givesOccupantIds: true,
  reaches: ({ home }) => home === undefined,
  decidesAbout: () => true,
  mayRemove: () => true,
};

/** XEP-0045 alone, without peers. Everything else is compared with it. */
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
