import { type Browser, chromium } from '@playwright/test';
import { afterAll, beforeAll, describe } from 'vitest';
import { findChromium } from '../../src/headless/chromium.mjs';
import { type Login, roomFlow } from './flow.ts';
import { ConverseClient, chromiumArgs } from './support/converse.ts';
import { noProsody } from './support/prosody.ts';
import { onEmbedded, onEmbeddedReplica, onProsody, onReplica, type Seat } from './support/seats.ts';
import { noSlixmpp, SlixmppClient } from './support/slixmpp.ts';
import { StropheClient } from './support/strophe.ts';

/** In `npm test`: each client once. */
const fast = process.env['INTEROP'] === 'fast';
const executablePath = await findChromium();
const noChromium = executablePath === undefined ? 'no Chromium was found' : undefined;
const because = (reason: string | undefined) => (reason === undefined ? '' : ` (skipped: ${reason})`);

let browser: Browser;
beforeAll(async () => {
  if (executablePath !== undefined)
    browser = await chromium.launch({
      executablePath,
      args: chromiumArgs,
    });
});
afterAll(() => browser?.close());

const converse: Login = ({ websocket }, account, room) => ConverseClient.login(browser, { websocket, account, room });
const strophe: Login = ({ websocket }, account, room) => StropheClient.login(browser, { websocket, account, room });
const slixmpp: Login = (seat, account, room) => SlixmppClient.login(account, room, seat.port as number);

describe.skipIf(noChromium !== undefined)(`Rooms on the embedded server${because(noChromium)}`, () => {
  let seat: Seat;
  beforeAll(async () => {
    seat = await onEmbedded();
  });
  afterAll(() => seat?.stop());
  if (!fast) roomFlow('converse.js with converse.js', () => seat, 'elsinore', converse, converse);
  roomFlow('strophe.js with converse.js', () => seat, 'kronborg', strophe, converse);
});

// The same flow, for nobody may see whether a room is replicated.
describe.skipIf(fast || noChromium !== undefined)(`A replica on the embedded server${because(noChromium)}`, () => {
  let seat: Seat;
  beforeAll(async () => {
    seat = await onEmbeddedReplica();
  });
  afterAll(() => seat?.stop());
  roomFlow('strophe.js with converse.js', () => seat, 'elsinore', strophe, converse);
});

const missing = noChromium ?? noProsody ?? noSlixmpp;
describe.skipIf(missing !== undefined)(`Rooms as a component on Prosody${because(missing)}`, () => {
  let seat: Seat;
  beforeAll(async () => {
    seat = await onProsody();
  }, 60_000);
  afterAll(() => seat?.stop());
  roomFlow('converse.js with slixmpp', () => seat, 'elsinore', converse, slixmpp);
  if (!fast) roomFlow('slixmpp with converse.js', () => seat, 'kronborg', slixmpp, converse);
});

describe.skipIf(fast || missing !== undefined)(`A replica as a component of Prosody${because(missing)}`, () => {
  let seat: Seat;
  beforeAll(async () => {
    seat = await onReplica();
  }, 60_000);
  afterAll(() => seat?.stop());
  roomFlow('converse.js with slixmpp', () => seat, 'elsinore', converse, slixmpp);
});
