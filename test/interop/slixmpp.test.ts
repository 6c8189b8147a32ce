import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Login, roomFlow } from './flow.ts';
import { noProsody } from './support/prosody.ts';
import { onProsody, type Seat } from './support/seats.ts';
import { noSlixmpp, SlixmppClient } from './support/slixmpp.ts';

const slixmpp: Login = (seat, account, room) => SlixmppClient.login(account, room, seat.port as number);
const missing = noProsody ?? noSlixmpp;

describe.skipIf(missing !== undefined)(
  `Rooms as a component on Prosody${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    let seat: Seat;
    beforeAll(async () => {
      seat = await onProsody();
    }, 60_000);
    afterAll(() => seat?.stop());

    it('XEP-0045 §7.2: who enters again with another nick, unaware of being in, gets the room anew', async () => {
      const client = await slixmpp(seat, 'horatio@denmark.lit', 'watch@rooms.denmark.lit');
      try {
        await client.enter('Horatio');
        await client.say('Stay!');
        await expect.poll(() => client.texts()).toEqual(['Stay!']);
        // slixmpp waits for its own presence and the subject, which end what a join brings.
        await client.enter('A friend to this ground');
        await expect.poll(() => client.texts()).toEqual(['Stay!', 'Stay!']);
        expect(await client.occupants()).toEqual(['A friend to this ground']);
      } finally {
        await client.stop();
      }
    });

    roomFlow('slixmpp with slixmpp', () => seat, 'elsinore', slixmpp, slixmpp);
  },
);
