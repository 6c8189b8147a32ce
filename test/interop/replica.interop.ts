import { describe } from 'vitest';
import { netsplitFlow } from './support/netsplit-flow.ts';
import { noProsody } from './support/prosody.ts';
import { noSlixmpp } from './support/slixmpp.ts';

const missing = noProsody ?? noSlixmpp;
describe.skipIf(missing !== undefined)(
  `A primary and a replica as components of two Prosodys${missing ? ` (skipped: ${missing})` : ''}`,
  () => netsplitFlow('silent'),
);
