import { describe } from 'vitest';
import { covenFlow } from './support/coven-flow.ts';
import { noProsody } from './support/prosody.ts';
import { noSlixmpp } from './support/slixmpp.ts';

const missing = noProsody ?? noSlixmpp;
describe.skipIf(missing !== undefined)(
  `A room on three services, components of three Prosodys${missing ? ` (skipped: ${missing})` : ''}`,
  () => covenFlow('refused'),
);
