import { type Browser, chromium } from '@playwright/test';
import { afterAll, beforeAll, describe } from 'vitest';
import { findChromium } from '../../src/headless/chromium.mjs';
import { chromiumArgs } from './support/converse.ts';
import { devicesFlow, type Place } from './support/devices-flow.ts';
import { startFederation } from './support/federation.ts';
import { startPair } from './support/pair.ts';
import { noProsody } from './support/prosody.ts';
import { onProsody } from './support/seats.ts';
import { noSlixmpp } from './support/slixmpp.ts';

const executablePath = await findChromium();
const missing = (executablePath === undefined ? 'no Chromium was found' : undefined) ?? noProsody ?? noSlixmpp;

async function inPlainRoom(): Promise<Place> {
  const { prosody: home, users: domain, service, complaints, stop } = await onProsody();
  const room = `elsinore@${service}`;
  const others = ['gertrude', 'horatio'].map((name) => ({ account: `${name}@${domain}`, server: home, room }));
  return { home, domain, room, others, complaints, stop };
}

async function behindReplica(): Promise<Place> {
  const { england, scotland, primary, replica, stop } = await startPair('wallops', 'gertrude@england.lit');
  const room = 'wallops@rooms.england.lit';
  const others = [
    { account: 'gertrude@england.lit', server: england, room },
    { account: 'horatio@scotland.lit', server: scotland, room },
  ];
  const complaints = () => primary.complaints() + replica.complaints();
  return { home: scotland, domain: 'scotland.lit', room, others, complaints, stop };
}

/** @param at  the node where Hamlet and the owner are; Horatio watches from the other */
async function atFmucNode(at: 'joined' | 'joining'): Promise<Place> {
  const joined = { domain: 'denmark.lit', room: 'elsinore@talk.denmark.lit' };
  const joining = { domain: 'wonderland.lit', room: 'rabbithole@rooms.wonderland.lit' };
  const [here, there] = at === 'joined' ? [joined, joining] : [joining, joined];
  const { denmark, wonderland, elsinore, rabbithole, stop } = await startFederation(`gertrude@${here.domain}`);
  const [home, away] = at === 'joined' ? [denmark, wonderland] : [wonderland, denmark];
  const others = [
    { account: `gertrude@${here.domain}`, server: home, room: here.room },
    { account: `horatio@${there.domain}`, server: away, room: there.room },
  ];
  return { home, ...here, others, complaints: () => elsinore.complaints() + rabbithole.complaints(), stop };
}

describe.skipIf(process.env['INTEROP'] === 'fast' || missing !== undefined)(
  `One user's phone (slixmpp) and laptop (converse.js)${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    let browser: Browser;
    beforeAll(async () => {
      if (executablePath !== undefined) browser = await chromium.launch({ executablePath, args: chromiumArgs });
    });
    afterAll(() => browser?.close());

    devicesFlow('in a plain room', () => browser, inPlainRoom);
    devicesFlow('behind a replica', () => browser, behindReplica);
    for (const at of ['joined', 'joining'] as const)
      devicesFlow(
        `at the ${at} FMUC node, watched from the other`,
        () => browser,
        () => atFmucNode(at),
      );
  },
);
