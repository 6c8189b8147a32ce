import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Federation, startFederation } from './federation.ts';
import { SlixmppClient } from './slixmpp.ts';

const rabbithole = 'rabbithole@rooms.wonderland.lit';
const elsinore = 'elsinore@talk.denmark.lit';

const patience = 180_000;
/** Real programs on two cores: what comes, may come late. And a silent cut is noticed by two pings. */
const soon = <T>(get: () => Promise<T> | T) => expect.poll(get, { timeout: 120_000, interval: 100 });
const sorted = (names: readonly string[]) => [...names].sort();

/**
 * Two rooms that federate over two Prosodys (XEP-0289), before, in and after a split: users of both with a stock client.
 *
 * @param how  what becomes of the connections between the two servers
 */
export function federationFlow(how: 'refused' | 'silent'): void {
  describe.sequential(`a split in which connections are ${how === 'silent' ? 'silent' : 'refused'}`, () => {
    let federation: Federation;
    let gertrude: SlixmppClient;
    let hamlet: SlixmppClient;
    let horatio: SlixmppClient;
    const inside = () => [gertrude, hamlet, horatio];
    beforeAll(async () => {
      federation = await startFederation('gertrude@wonderland.lit');
      const { wonderland, denmark } = federation;
      gertrude = await SlixmppClient.login('gertrude@wonderland.lit', rabbithole, wonderland.c2sPort);
      hamlet = await SlixmppClient.login('hamlet@denmark.lit', elsinore, denmark.c2sPort);
      horatio = await SlixmppClient.login('horatio@denmark.lit', elsinore, denmark.c2sPort);
    }, patience);
    afterAll(async () => {
      for (const client of inside()) await client?.stop();
      await federation?.stop();
    }, patience);
    let failed = false;
    beforeEach(({ skip }) => skip(failed, 'a step before failed'));
    afterEach(({ task }) => {
      failed ||= task.result?.state === 'fail';
    });

    /** Whom the copies were for that crossed the network with these words. */
    const crossed = (text: string) =>
      [federation.toWonderland, federation.toDenmark].flatMap((wan) =>
        (wan.text.match(/<message [^>]*>(?:(?!<\/message>).)*/gs) ?? [])
          .filter((stanza) => stanza.includes(`<body>${text}</body>`))
          .map((stanza) => / to='([^']*)'/.exec(stanza)?.[1]),
      );

    it('nothing crosses before the first user of the joining room; then all are in one room, and each word crosses once', {
      timeout: patience,
    }, async () => {
      await hamlet.enter('Hamlet');
      await hamlet.say('To be');
      expect([federation.toWonderland.text, federation.toDenmark.text].join('')).not.toContain('Hamlet');
      await gertrude.enter('Gertrude');
      await horatio.enter('Horatio');
      for (const one of inside())
        await soon(async () => sorted(await one.occupants())).toEqual(['Gertrude', 'Hamlet', 'Horatio']);
      // The history of the room that is joined is everybody's.
      await soon(() => gertrude.texts()).toEqual(['To be']);
      await gertrude.say('or not');
      await hamlet.say('to be');
      for (const one of inside())
        await soon(async () => sorted(await one.texts())).toEqual(['To be', 'or not', 'to be']);
      expect(crossed('or not')).toEqual([elsinore]);
      expect(crossed('to be')).toEqual([rabbithole]);
    });

    it('XEP-0289 §2: cut off, both rooms go on, each for its own users', { timeout: patience }, async () => {
      await federation.cut(how);
      await gertrude.say('Curiouser');
      await hamlet.say('The rest');
      await soon(async () => sorted(await gertrude.occupants())).toEqual(['Gertrude']);
      await soon(async () => sorted(await hamlet.occupants())).toEqual(['Hamlet', 'Horatio']);
      await gertrude.say('and curiouser');
      await horatio.say('is silence');
      await soon(async () => (await gertrude.texts()).slice(3)).toEqual(['Curiouser', 'and curiouser']);
      await soon(async () => (await hamlet.texts()).slice(3)).toEqual(['The rest', 'is silence']);
      for (const one of inside()) expect([await one.removal(), await one.refusals()]).toEqual([undefined, []]);
    });

    it('XEP-0289 §8: healed, both sides get what they missed, once; and so does who enters', {
      timeout: patience,
    }, async () => {
      await federation.heal();
      for (const one of inside()) {
        await soon(async () => sorted(await one.occupants())).toEqual(['Gertrude', 'Hamlet', 'Horatio']);
        await soon(async () => sorted((await one.texts()).slice(3))).toEqual([
          'Curiouser',
          'The rest',
          'and curiouser',
          'is silence',
        ]);
      }
      await gertrude.say('We are all mad here');
      for (const one of inside()) await soon(async () => (await one.texts()).at(-1)).toBe('We are all mad here');
      expect(crossed('We are all mad here')).toEqual([elsinore]);
      const texts: string[] = [];
      for (const one of [gertrude, hamlet]) {
        await one.reload(one === gertrude ? 'Gertrude' : 'Hamlet');
        await soon(async () => (await one.texts()).length).toBe(8);
        texts.push(sorted(await one.texts()).join());
        expect(one.complaints()).toEqual([]);
      }
      expect(texts[1]).toBe(texts[0]);
      expect([federation.elsinore.complaints(), federation.rabbithole.complaints()]).toEqual(['', '']);
    });
  });
}

/** The same two rooms in primary-replica mode: rabbithole shows what elsinore sends back. */
export function replicaFederationFlow(how: 'refused' | 'silent'): void {
  describe.sequential(`primary-replica mode, and a split in which connections are ${how === 'silent' ? 'silent' : 'refused'}`, () => {
    let federation: Federation;
    let gertrude: SlixmppClient;
    let hamlet: SlixmppClient;
    const inside = () => [gertrude, hamlet];
    beforeAll(async () => {
      federation = await startFederation('gertrude@wonderland.lit', 'primary-replica');
      gertrude = await SlixmppClient.login('gertrude@wonderland.lit', rabbithole, federation.wonderland.c2sPort);
      hamlet = await SlixmppClient.login('hamlet@denmark.lit', elsinore, federation.denmark.c2sPort);
    }, patience);
    afterAll(async () => {
      for (const client of inside()) await client?.stop();
      await federation?.stop();
    }, patience);
    let failed = false;
    beforeEach(({ skip }) => skip(failed, 'a step before failed'));
    afterEach(({ task }) => {
      failed ||= task.result?.state === 'fail';
    });

    it('XEP-0289 §2: all read everything in the order of the primary', { timeout: patience }, async () => {
      await hamlet.enter('Hamlet');
      await gertrude.enter('Gertrude');
      for (const one of inside()) await soon(async () => sorted(await one.occupants())).toEqual(['Gertrude', 'Hamlet']);
      for (let i = 0; i < 5; i++) {
        await gertrude.say(`Gertrude ${i}`);
        await hamlet.say(`Hamlet ${i}`);
      }
      for (const one of inside()) await soon(async () => (await one.texts()).length).toBe(10);
      expect(await gertrude.texts()).toEqual(await hamlet.texts());
    });

    it('decision #154: cut off, nothing that is said in the replica is shown, and its user is told; the primary goes on', {
      timeout: patience,
    }, async () => {
      await federation.cut(how);
      await hamlet.say('The rest');
      await gertrude.say('Is anybody there?');
      await soon(async () => (await gertrude.refusals()).length).toBeGreaterThanOrEqual(1);
      await soon(async () => sorted(await hamlet.occupants())).toEqual(['Hamlet']);
      await soon(async () => (await hamlet.texts()).at(-1)).toBe('The rest');
      expect(await gertrude.texts()).toHaveLength(10);
      expect([await gertrude.removal(), await hamlet.removal()]).toEqual([undefined, undefined]);
    });

    it('healed, it shows what was missed, and what its users say once more', { timeout: patience }, async () => {
      await federation.heal();
      for (const one of inside()) await soon(async () => sorted(await one.occupants())).toEqual(['Gertrude', 'Hamlet']);
      await soon(async () => (await gertrude.texts()).at(-1)).toBe('The rest');
      await gertrude.say('is silence');
      for (const one of inside()) await soon(async () => (await one.texts()).at(-1)).toBe('is silence');
      expect(await gertrude.texts()).toEqual(await hamlet.texts());
      for (const one of inside()) expect(one.complaints()).toEqual([]);
      expect([federation.elsinore.complaints(), federation.rabbithole.complaints()]).toEqual(['', '']);
    });
  });
}
