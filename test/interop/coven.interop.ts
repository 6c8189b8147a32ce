import { describe } from 'vitest';
import { covenCrashFlow, covenFlow } from './support/coven-flow.ts';
import { noProsody } from './support/prosody.ts';
import { noSlixmpp } from './support/slixmpp.ts';

const missing = noProsody ?? noSlixmpp;
describe.skipIf(process.env['INTEROP'] === 'fast' || missing !== undefined)(
  `A room on three services, components of three Prosodys${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    covenFlow('silent');
    covenCrashFlow();
  },
);
