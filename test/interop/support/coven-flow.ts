import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Coven, services, startCoven } from './coven.ts';
import { SlixmppClient } from './slixmpp.ts';

const rooms = services.map((service) => `coven@${service}`);
const [source, atMacbeth, atMarlowe] = rooms as [string, string, string];

const patience = 300_000;
/** Real programs on two cores: what comes, may come late. And a silent cut is noticed by two pings. */
const soon = <T>(get: () => Promise<T> | T) => expect.poll(get, { timeout: 180_000, interval: 100 });
const sorted = (names: readonly string[]) => [...names].sort();

const nicks = ['Gertrude', 'Hamlet', 'Horatio'] as const;
const loginAt = ({ servers }: Coven, name: string, side: number, room: string) =>
  SlixmppClient.login(`${name}@${services[side]?.replace(/^\w+\./, '')}`, room, servers[side]?.c2sPort as number);

/**
 * A room with two shadows over three Prosodys (XEP-0281), before, in and after a split: users of each with a stock client.
 *
 * @param how  what becomes of the connections of the first server
 */
export function covenFlow(how: 'refused' | 'silent'): void {
  describe.sequential(`a split in which connections are ${how === 'silent' ? 'silent' : 'refused'}`, () => {
    let coven: Coven;
    let gertrude: SlixmppClient;
    let hamlet: SlixmppClient;
    let horatio: SlixmppClient;
    let marcellus: SlixmppClient;
    const inside = () => [gertrude, hamlet, horatio];
    beforeAll(async () => {
      coven = await startCoven();
      [gertrude, hamlet, horatio, marcellus] = await Promise.all([
        loginAt(coven, 'gertrude', 0, source),
        loginAt(coven, 'hamlet', 1, atMacbeth),
        loginAt(coven, 'horatio', 2, atMarlowe),
        loginAt(coven, 'marcellus', 1, source),
      ]);
    }, patience);
    afterAll(async () => {
      await Promise.all([...inside(), marcellus].map((client) => client?.stop()));
      await coven?.stop();
    }, patience);
    let failed = false;
    beforeEach(({ skip }) => skip(failed, 'a step before failed'));
    afterEach(({ task }) => {
      failed ||= task.result?.state === 'fail';
    });

    /** From and to which servers the copies went that crossed the network with these words, and for whom they were. */
    const crossed = (text: string) =>
      [0, 1, 2].flatMap((from) =>
        [0, 1, 2]
          .filter((to) => to !== from)
          .flatMap((to) =>
            (coven.way(from, to).text.match(/<message [^>]*>(?:(?!<\/message>).)*/gs) ?? [])
              .filter((stanza) => stanza.includes(`<body>${text}</body>`))
              .map((stanza) => `${from} to ${to}: ${/ to='([^'/]*)/.exec(stanza)?.[1]}`),
          ),
      );
    const texts = () => Promise.all(inside().map((one) => one.texts()));

    it('§3.1, §3.2: a user creates the room; as soon as it is configured, it is on all three services', {
      timeout: patience,
    }, async () => {
      await gertrude.enter('Gertrude');
      await gertrude.configure({ 'muc#roomconfig_roomname': 'A Dark Cave', 'muc#roomconfig_persistentroom': '1' });
      expect((await gertrude.configuration())['muc#roomconfig_distributed']).toBe('1');
      for (const shadow of [atMacbeth, atMarlowe])
        await soon(() => coven.components[0]?.said()).toContain(`shadow ${shadow} live`);
      await gertrude.say('Round about the cauldron go');
      await gertrude.setSubject('Double, double');
    });

    it('§3.5: a user who enters at the source from a server that has a shadow is sent there', {
      timeout: patience,
    }, async () => {
      await expect(marcellus.enter('Marcellus')).rejects.toThrow('refused: redirect');
      await soon(async () => (await marcellus.seen()).join('')).toMatch(
        new RegExp(
          `jabber:x:conference[^>]* jid="${atMacbeth}"|<x [^>]*jid="${atMacbeth}"[^>]* xmlns="jabber:x:conference"`,
        ),
      );
    });

    it('§3.6: all are in one room; each word crosses once to each of the others, in one hop', {
      timeout: patience,
    }, async () => {
      await hamlet.enter('Hamlet');
      await horatio.enter('Horatio');
      for (const one of inside())
        await soon(async () => sorted(await one.occupants())).toEqual(['Gertrude', 'Hamlet', 'Horatio']);
      for (const one of inside()) {
        // What was said before they came.
        await soon(() => one.texts()).toEqual(['Round about the cauldron go']);
        await soon(() => one.subject()).toBe('Double, double');
      }
      await hamlet.say('Fillet of a fenny snake');
      await horatio.say('Eye of newt');
      await gertrude.say('Toe of frog');
      for (const one of inside())
        await soon(async () => sorted((await one.texts()).slice(1))).toEqual([
          'Eye of newt',
          'Fillet of a fenny snake',
          'Toe of frog',
        ]);
      expect(crossed('Fillet of a fenny snake')).toEqual([`1 to 0: ${source}`, `1 to 2: ${atMarlowe}`]);
      expect(crossed('Eye of newt')).toEqual([`2 to 0: ${source}`, `2 to 1: ${atMacbeth}`]);
      expect(crossed('Toe of frog')).toEqual([`0 to 1: ${atMacbeth}`, `0 to 2: ${atMarlowe}`]);
      await hamlet.tell('Horatio', 'Something wicked this way comes');
      await soon(() => horatio.privateTexts('Hamlet')).toEqual(['Something wicked this way comes']);
      expect(crossed('Something wicked this way comes')).toEqual([`1 to 2: ${atMarlowe}`]);
    });

    it('§1.3: cut off from the first host, the others speak on with each other, one stanza for each message', {
      timeout: patience,
    }, async () => {
      await coven.cut(0, how);
      await hamlet.say('Cool it');
      await gertrude.say('Enter Hecate');
      await horatio.say('with a baboon’s blood');
      await soon(async () => sorted(await gertrude.occupants())).toEqual(['Gertrude']);
      for (const one of [hamlet, horatio])
        await soon(async () => sorted(await one.occupants())).toEqual(['Hamlet', 'Horatio']);
      await hamlet.say('Then the charm');
      await gertrude.say('O, well done!');
      for (const one of [hamlet, horatio])
        await soon(async () => sorted((await one.texts()).slice(4))).toEqual([
          'Cool it',
          'Then the charm',
          'with a baboon’s blood',
        ]);
      await soon(async () => (await gertrude.texts()).slice(4)).toEqual(['Enter Hecate', 'O, well done!']);
      expect(crossed('Then the charm')).toEqual([`1 to 2: ${atMarlowe}`]);
      for (const one of inside()) expect([await one.removal(), await one.refusals()]).toEqual([undefined, []]);
    });

    it('§3.7: healed, each gets what it missed, once, and the archives of all three are the same', {
      timeout: patience,
    }, async () => {
      await coven.heal(0);
      for (const one of inside()) {
        await soon(async () => sorted(await one.occupants())).toEqual(['Gertrude', 'Hamlet', 'Horatio']);
        await soon(async () => sorted((await one.texts()).slice(4))).toEqual([
          'Cool it',
          'Enter Hecate',
          'O, well done!',
          'Then the charm',
          'with a baboon’s blood',
        ]);
      }
      await gertrude.say('By the pricking of my thumbs');
      for (const one of inside())
        await soon(async () => (await one.texts()).at(-1)).toBe('By the pricking of my thumbs');
      expect(crossed('By the pricking of my thumbs')).toEqual([`0 to 1: ${atMacbeth}`, `0 to 2: ${atMarlowe}`]);
      // Each begins anew, and reads the archive of its own instance.
      await Promise.all(inside().map((one, i) => one.reload(nicks[i] as string)));
      for (const one of inside()) await soon(async () => (await one.texts()).length).toBe(10);
      const [first, second, third] = await texts();
      expect(second).toEqual(first);
      expect(third).toEqual(first);
      for (const one of inside()) expect(one.complaints()).toEqual([]);
      expect(coven.components.map((component) => component.complaints())).toEqual(['', '', '']);
    });
  });
}

/** The same room when a component is killed: the first host's, which has its log, and another one, which has lost it. */
export function covenCrashFlow(): void {
  describe.sequential('components that are killed', () => {
    let coven: Coven;
    let gertrude: SlixmppClient;
    let hamlet: SlixmppClient;
    let horatio: SlixmppClient;
    const inside = () => [gertrude, hamlet, horatio];
    beforeAll(async () => {
      coven = await startCoven();
      [gertrude, hamlet, horatio] = await Promise.all([
        loginAt(coven, 'gertrude', 0, source),
        loginAt(coven, 'hamlet', 1, atMacbeth),
        loginAt(coven, 'horatio', 2, atMarlowe),
      ]);
    }, patience);
    afterAll(async () => {
      await Promise.all(inside().map((client) => client?.stop()));
      await coven?.stop();
    }, patience);
    let failed = false;
    beforeEach(({ skip }) => skip(failed, 'a step before failed'));
    afterEach(({ task }) => {
      failed ||= task.result?.state === 'fail';
    });
    const expectSameArchives = async (length: number) => {
      await Promise.all(inside().map((one, i) => one.reload(nicks[i] as string)));
      for (const one of inside()) await soon(async () => (await one.texts()).length).toBe(length);
      const [first, ...others] = await Promise.all(inside().map((one) => one.texts()));
      for (const texts of others) expect(texts).toEqual(first);
      return first;
    };

    it('§1.3: without the first host the others speak on, and what an owner changes there waits', {
      timeout: patience,
    }, async () => {
      await gertrude.enter('Gertrude');
      await gertrude.configure({ 'muc#roomconfig_persistentroom': '1' });
      await gertrude.send(
        `<iq type="set" id="o1" to="${source}"><query xmlns="http://jabber.org/protocol/muc#admin"><item affiliation="owner" jid="hamlet@macbeth.lit"/></query></iq>`,
      );
      for (const shadow of [atMacbeth, atMarlowe])
        await soon(() => coven.components[0]?.said()).toContain(`shadow ${shadow} live`);
      await hamlet.enter('Hamlet');
      await horatio.enter('Horatio');
      for (const one of inside()) await soon(async () => sorted(await one.occupants())).toEqual(sorted(nicks));
      await gertrude.say('Thunder and lightning');
      for (const one of inside()) await soon(() => one.texts()).toEqual(['Thunder and lightning']);
      await coven.kill(0);
      await hamlet.say('When shall we three meet again?');
      await soon(async () => (await horatio.texts()).length).toBe(2);
      await horatio.say('In thunder, lightning, or in rain?');
      for (const one of [hamlet, horatio]) {
        await soon(async () => (await one.texts()).length).toBe(3);
        await soon(async () => sorted(await one.occupants())).toEqual(['Hamlet', 'Horatio']);
      }
      await hamlet.configure({ 'muc#roomconfig_roomname': 'A desert place' });
    });

    it('§3.7: the first host is back with its log, gets what it missed, and does what was asked of it', {
      timeout: patience,
    }, async () => {
      await coven.start(0, 'kept');
      for (const shadow of [atMacbeth, atMarlowe])
        await soon(() => coven.components[0]?.said()).toContain(`shadow ${shadow} live`);
      await gertrude.enter('Gertrude');
      for (const one of inside()) await soon(async () => sorted(await one.occupants())).toEqual(sorted(nicks));
      await soon(async () => (await gertrude.configuration())['muc#roomconfig_roomname']).toBe('A desert place');
      await expectSameArchives(3);
    });

    it('§3.2: a peerhost that has lost all it had is asked anew, and gets all of it', {
      timeout: patience,
    }, async () => {
      await coven.kill(1);
      await gertrude.say('Where the place?');
      await coven.start(1, 'lost');
      await soon(() => coven.components[1]?.said()).toContain(`instance ${source} live`);
      await soon(() => coven.components[1]?.said()).toContain(`instance ${atMarlowe} live`);
      await hamlet.enter('Hamlet');
      for (const one of inside()) await soon(async () => sorted(await one.occupants())).toEqual(sorted(nicks));
      await hamlet.say('Upon the heath');
      for (const one of [gertrude, horatio]) await soon(async () => (await one.texts()).at(-1)).toBe('Upon the heath');
      expect(await expectSameArchives(5)).toEqual([
        'Thunder and lightning',
        'When shall we three meet again?',
        'In thunder, lightning, or in rain?',
        'Where the place?',
        'Upon the heath',
      ]);
      for (const one of inside()) expect(one.complaints()).toEqual([]);
    });
  });
}
