import type { Browser } from '@playwright/test';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConverseClient } from './converse.ts';
import type { Prosody } from './prosody.ts';
import { SlixmppClient } from './slixmpp.ts';
import { Wire } from './wire.ts';

/** A room as its users know it, and where they are. */
export interface Place {
  /** Hamlet's server, and the room's address there. */
  readonly home: Prosody;
  readonly domain: string;
  readonly room: string;
  /** Others, each with the address by which they know the room; the first is an owner. */
  readonly others: readonly { readonly account: string; readonly server: Prosody; readonly room: string }[];
  /** What our side complained about. */
  complaints(): string;
  stop(): Promise<void>;
}

const patience = 90_000;
/** Real programs on two cores: what comes, may come late. */
const soon = <T>(get: () => Promise<T> | T) => expect.poll(get, { timeout: 40_000, interval: 100 });
const sorted = (names: readonly string[]) => [...names].sort();

/** Hamlet's phone is a slixmpp, his laptop a converse.js, and both are in under one nick (XEP-0045 §7.2.8). */
export function devicesFlow(title: string, browser: () => Browser, start: () => Promise<Place>): void {
  describe.sequential(title, () => {
    let place: Place;
    /** Hamlet's connections go through these, where they can be broken. */
    let phoneWire: Wire;
    let laptopWire: Wire;
    let phone: SlixmppClient;
    let laptop: ConverseClient;
    const others: SlixmppClient[] = [];
    const logPhoneIn = (resource: string) =>
      SlixmppClient.login(`hamlet@${place.domain}`, place.room, phoneWire.port, resource);
    const logLaptopIn = (resource: string) =>
      ConverseClient.login(browser(), {
        websocket: place.home.websocket.replace(/:\d+\//, `:${laptopWire.port}/`),
        account: `hamlet@${place.domain}`,
        room: place.room,
        resource,
      });
    const nicks = () => sorted(['Hamlet', ...place.others.map(({ account }) => nickOf(account))]);
    const everybody = () => [phone, laptop, ...others];
    let resumed = false;
    /** What has been said in the room so far. */
    const said: string[] = [];

    beforeAll(async () => {
      place = await start();
      phoneWire = await Wire.to(place.home.c2sPort);
      laptopWire = await Wire.to(Number(new URL(place.home.websocket).port));
      for (const { account, server, room } of place.others)
        others.push(await SlixmppClient.login(account, room, server.c2sPort));
      phone = await logPhoneIn('phone');
      laptop = await logLaptopIn('laptop');
    }, patience);
    afterAll(async () => {
      for (const client of everybody()) await client?.stop();
      for (const wire of [phoneWire, laptopWire]) await wire?.close();
      await place?.stop();
    }, patience);
    let failed = false;
    beforeEach(({ skip }) => skip(failed, 'a step before failed'));
    afterEach(({ task }) => {
      failed ||= task.result?.state === 'fail';
    });

    /** Says something, and waits until all the others have it. */
    async function says(who: SlixmppClient | ConverseClient, text: string, heard = everybody()): Promise<void> {
      said.push(text);
      await who.say(text);
      for (const one of heard) await hears(one);
    }
    /** All of it, once, and in order: but converse.js sorts by time, and Prosody sends again with whole seconds (XEP-0198). */
    async function hears(one: SlixmppClient | ConverseClient): Promise<void> {
      const inOrder = (texts: readonly string[]) => (one === laptop && resumed ? sorted(texts) : texts);
      await soon(async () => inOrder(await one.texts())).toEqual(inOrder(said));
    }
    /** How often the others were told that Hamlet is gone. */
    async function departures(): Promise<readonly number[]> {
      const all: number[] = [];
      for (const one of others) {
        const gone = (await one.seen()).filter(
          (stanza) => /^<presence [^>]*type="unavailable"/.test(stanza) && /^<presence [^>]*\/Hamlet"/.test(stanza),
        );
        all.push(gone.length);
      }
      return all;
    }
    const stays = async () => expect(await departures()).toEqual(others.map(() => 0));

    it('the laptop gets in while the phone is in, and the others see one Hamlet', { timeout: patience }, async () => {
      for (const [i, one] of others.entries()) {
        await one.enter(nickOf(place.others[i]?.account ?? ''));
        // A room that was not there before is locked until its owner configures it (§10.1).
        if (i === 0) await one.configure({ 'muc#roomconfig_roomdesc': 'in the castle' });
      }
      await phone.enter('Hamlet');
      for (const one of [phone, ...others]) await soon(async () => sorted(await one.occupants())).toEqual(nicks());
      await says(phone, 'Seems, madam?', [phone, ...others]);
      await laptop.enter('Hamlet');
      for (const one of everybody()) await soon(async () => sorted(await one.occupants())).toEqual(nicks());
      await hears(laptop);
    });

    it('what either of them or somebody else says is shown once on both, in one order', {
      timeout: patience,
    }, async () => {
      await says(laptop, 'Nay, it is.');
      await says(others.at(-1) as SlixmppClient, 'Good Hamlet,');
      await says(phone, 'I know not “seems”.');
      expect(await laptop.texts()).toEqual(await phone.texts());
    });

    it('XEP-0045 §7.5: a private message reaches both', { timeout: patience }, async () => {
      const [first] = others as [SlixmppClient];
      const [nick] = place.others.map(({ account }) => nickOf(account)) as [string];
      await first.tell('Hamlet', 'let not thy mother lose her prayers');
      for (const one of [phone, laptop])
        await soon(() => one.privateTexts(nick)).toContain('let not thy mother lose her prayers');
    });

    it('each is loaded anew, and reads the whole, while the other stays', { timeout: patience }, async () => {
      await laptop.reload('Hamlet');
      await hears(laptop);
      await phone.reload('Hamlet');
      await hears(phone);
      await says(laptop, 'after the laptop was loaded anew');
      await says(phone, 'and the phone');
      await stays();
    });

    it('a phone whose connection breaks comes back while its server still holds the old one', {
      timeout: patience,
    }, async () => {
      phoneWire.strand();
      await phone.stop();
      phone = await logPhoneIn('phone-again');
      await phone.enter('Hamlet');
      await hears(phone);
      await says(others[0] as SlixmppClient, 'still one Hamlet');
      expect(phoneWire.held).toBe(1);
      // The server finds out at last, and nobody in the room does.
      phoneWire.giveUp();
      await says(phone, 'I am but mad north-north-west');
      for (const one of everybody()) expect(sorted(await one.occupants())).toEqual(nicks());
      await stays();
    });

    it('a laptop whose connection breaks comes back by itself, and has missed nothing', {
      timeout: patience,
    }, async () => {
      laptopWire.strand();
      resumed = true;
      await says(others[0] as SlixmppClient, 'said while the laptop was away', [phone, ...others]);
      await hears(laptop);
      await says(laptop, 'and it speaks');
      laptopWire.giveUp();
      await stays();
    });

    it('one of them leaves, and is out alone', { timeout: patience }, async () => {
      await phone.leave();
      await soon(async () => (await phone.seen()).at(-1)).toMatch(/type="unavailable".*<status code="110"/);
      await stays();
      await says(others[0] as SlixmppClient, 'who is left hears this', [laptop, ...others]);
      expect(await phone.texts()).not.toContain('who is left hears this');
      for (const one of [laptop, ...others]) expect(sorted(await one.occupants())).toEqual(nicks());
      await phone.enter('Hamlet');
      await soon(() => phone.texts()).toContain('who is left hears this');
      await stays();
    });

    it('XEP-0045 §8.2: a kick takes both, each is told so, and the others once', { timeout: patience }, async () => {
      await others[0]?.kick('Hamlet', 'to England');
      for (const one of [phone, laptop]) await soon(() => one.removal()).toMatch(/kicked[\s\S]*to England/);
      for (const one of others)
        await soon(async () => sorted(await one.occupants())).toEqual(nicks().filter((nick) => nick !== 'Hamlet'));
      await soon(() => departures()).toEqual(others.map(() => 1));
    });

    it('nobody has anything to complain about', async () => {
      for (const one of others) expect(one.complaints()).toEqual([]);
      expect(place.complaints()).toBe('');
    });
  });
}

function nickOf(account: string): string {
  return account.charAt(0).toUpperCase() + account.slice(1).split('@')[0];
}
