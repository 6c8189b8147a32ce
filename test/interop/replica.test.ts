import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Pair, startPair } from './support/pair.ts';
import { noProsody } from './support/prosody.ts';
import { noSlixmpp, SlixmppClient } from './support/slixmpp.ts';

const missing = noProsody ?? noSlixmpp;
/** Real programs on two cores: what comes, may come late. */
const soon = <T>(get: () => Promise<T> | T, ms = 15_000) => expect.poll(get, { timeout: ms, interval: 100 });
const room = 'wallops@rooms.england.lit';

describe.skipIf(missing !== undefined)(
  `A primary and a replica as components of two Prosodys${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    let pair: Pair;
    let gertrude: SlixmppClient;
    let horatio: SlixmppClient;
    let hamlet: SlixmppClient;
    beforeAll(async () => {
      pair = await startPair('wallops', 'gertrude@england.lit');
      gertrude = await SlixmppClient.login('gertrude@england.lit', room, pair.england.c2sPort);
      hamlet = await SlixmppClient.login('hamlet@scotland.lit', room, pair.scotland.c2sPort);
      horatio = await SlixmppClient.login('horatio@scotland.lit', room, pair.scotland.c2sPort);
    }, 60_000);
    afterAll(async () => {
      for (const client of [gertrude, hamlet, horatio]) await client?.stop();
      console.log(pair?.primary.said(), pair?.primary.complaints(), pair?.replica.said(), pair?.replica.complaints());
      await pair?.stop();
    });

    it('joins', async () => {
      await soon(() => pair.replica.said()).toContain('live');
      await gertrude.enter('Gertrude');
      await hamlet.enter('Hamlet');
      await horatio.enter('Horatio');
      await gertrude.say('hello');
      await hamlet.say('hi');
      for (const one of [gertrude, hamlet, horatio]) await soon(() => one.texts()).toEqual(['hello', 'hi']);
      console.log(pair.toEngland.text, '\n\n', pair.toScotland.text);
    });
  },
);
