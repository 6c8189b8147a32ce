import { afterAll, beforeAll, describe } from 'vitest';
import { type Login, roomFlow } from './flow.ts';
import { netsplitFlow } from './support/netsplit-flow.ts';
import { noProsody } from './support/prosody.ts';
import { onReplica, type Seat } from './support/seats.ts';
import { noSlixmpp, SlixmppClient } from './support/slixmpp.ts';

/** In `npm test` replica.test.ts is enough. */
const fast = process.env['INTEROP'] === 'fast';
const missing = noProsody ?? noSlixmpp;
describe.skipIf(fast || missing !== undefined)(
  `A primary and a replica as components of two Prosodys${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    netsplitFlow('silent');

    describe('the life of a room, with all clients behind the replica', () => {
      let seat: Seat;
      beforeAll(async () => {
        seat = await onReplica();
      });
      afterAll(() => seat?.stop());
      const slixmpp: Login = (_, account, room) => SlixmppClient.login(account, room, seat.port as number);
      roomFlow('slixmpp with slixmpp', () => seat, 'elsinore', slixmpp, slixmpp);
    });
  },
);
