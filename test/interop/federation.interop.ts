import { describe } from 'vitest';
import { federationFlow, replicaFederationFlow } from './support/federation-flow.ts';
import { noProsody } from './support/prosody.ts';
import { noSlixmpp } from './support/slixmpp.ts';

const missing = noProsody ?? noSlixmpp;
describe.skipIf(process.env['INTEROP'] === 'fast' || missing !== undefined)(
  `Two federated rooms as components of two Prosodys${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    federationFlow('silent');
    replicaFederationFlow('silent');
  },
);
