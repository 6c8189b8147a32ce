import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RoomClient } from './support/client.ts';
import type { Seat } from './support/seats.ts';

export type Login = (seat: Seat, account: string, room: string) => Promise<RoomClient>;

const patience = { timeout: 10_000, interval: 100 };
/** Anything that must survive every writer and reader of XML on the way. */
const awkward = '<b>&amp; "quoted" \'n\' </body> 🧀 Żółw';

/**
 * One room's life with two clients, the first its owner: created, configured, entered, talked in, administered, read
 * anew from the archive. Each step builds on the one before.
 */
export function roomFlow(title: string, seat: () => Seat, room: string, owner: Login, guest: Login): void {
  describe.sequential(title, () => {
    let gertrude: RoomClient;
    let hamlet: RoomClient;
    const eventually = <T>(read: () => Promise<T>) => expect.poll(read, patience);

    beforeAll(async () => {
      const address = `${room}@${seat().service}`;
      gertrude = await owner(seat(), `gertrude@${seat().users}`, address);
      hamlet = await guest(seat(), `hamlet@${seat().users}`, address);
    }, 60_000);
    afterAll(async () => {
      await gertrude?.stop();
      await hamlet?.stop();
    });

    // A step after one that failed could only fail too, and slowly.
    let failed = false;
    beforeEach(({ skip }) => skip(failed, 'a step before failed'));
    afterEach(({ task }) => {
      failed ||= task.result?.state === 'fail';
    });

    it('the first to enter creates the room and owns it', async () => {
      await gertrude.enter('Gertrude');
      await eventually(() => gertrude.occupants()).toEqual(['Gertrude']);
      const form = await gertrude.configuration();
      expect(form['FORM_TYPE'] ?? 'http://jabber.org/protocol/muc#roomconfig').toBe(
        'http://jabber.org/protocol/muc#roomconfig',
      );
    });

    it('the configuration form goes round: what is submitted is what is shown, the rest stays', async () => {
      const before = await gertrude.configuration();
      const changes = {
        'muc#roomconfig_roomname': 'A room of state <&>',
        'muc#roomconfig_roomdesc': 'in the castle 🏰',
        'muc#roomconfig_persistentroom': '1',
        'muc#roomconfig_whois': 'anyone',
      };
      await gertrude.configure(changes);
      await eventually(() => gertrude.configuration()).toEqual({ ...before, ...changes });
    });

    it('who enters sees who is there, what was said and the subject', async () => {
      await gertrude.setSubject('Elsinore <after> midnight');
      for (const text of ['Good Hamlet,', 'cast thy nighted colour off', awkward]) await gertrude.say(text);
      await eventually(() => gertrude.texts()).toEqual(['Good Hamlet,', 'cast thy nighted colour off', awkward]);
      await hamlet.enter('Hamlet');
      await eventually(() => hamlet.texts()).toEqual(['Good Hamlet,', 'cast thy nighted colour off', awkward]);
      await eventually(async () => [...(await hamlet.occupants())].sort()).toEqual(['Gertrude', 'Hamlet']);
      await eventually(async () => [...(await gertrude.occupants())].sort()).toEqual(['Gertrude', 'Hamlet']);
      await eventually(() => hamlet.subject()).toBe('Elsinore <after> midnight');
    });

    it('both speak, and each line is shown once to each, in one order', async () => {
      await hamlet.say('Ay, madam, it is common.');
      await eventually(() => gertrude.texts()).toContain('Ay, madam, it is common.');
      await gertrude.say('If it be, why seems it so particular with thee?');
      await eventually(() => hamlet.texts()).toContain('If it be, why seems it so particular with thee?');
      // Who speaks may be told of it after the others.
      for (const one of [gertrude, hamlet])
        await eventually(async () => (await one.texts()).slice(3)).toEqual([
          'Ay, madam, it is common.',
          'If it be, why seems it so particular with thee?',
        ]);
    });

    it('XEP-0045 §7.5: private messages go to one, and are not shown in the room', async () => {
      await gertrude.tell('Hamlet', 'let not thy mother lose her prayers');
      await eventually(() => hamlet.privateTexts('Gertrude')).toContain('let not thy mother lose her prayers');
      await hamlet.tell('Gertrude', 'I shall in all my best obey you');
      await eventually(() => gertrude.privateTexts('Hamlet')).toContain('I shall in all my best obey you');
      for (const one of [gertrude, hamlet]) expect((await one.texts()).length).toBe(5);
    });

    it('XEP-0045 §7.6: both change nicks, and a taken one is refused', async () => {
      await hamlet.rename('The Prince');
      await eventually(async () => [...(await gertrude.occupants())].sort()).toEqual(['Gertrude', 'The Prince']);
      await gertrude.rename('The Queen');
      for (const one of [gertrude, hamlet])
        await eventually(async () => [...(await one.occupants())].sort()).toEqual(['The Prince', 'The Queen']);
      await hamlet.rename('The Queen');
      await hamlet.say('still myself');
      await eventually(() => gertrude.texts()).toContain('still myself');
      expect([...(await gertrude.occupants())].sort()).toEqual(['The Prince', 'The Queen']);
      expect(await hamlet.removal()).toBeUndefined();
    });

    it('XEP-0045 §8.2: who is kicked is told so and why, and may come back', async () => {
      await gertrude.kick('The Prince', 'to England');
      await eventually(() => hamlet.removal()).toMatch(/kicked[\s\S]*to England/);
      await eventually(() => gertrude.occupants()).toEqual(['The Queen']);
      await hamlet.enter('Hamlet');
      await eventually(async () => [...(await gertrude.occupants())].sort()).toEqual(['Hamlet', 'The Queen']);
    });

    it('XEP-0045 §7.14: who leaves is gone', async () => {
      await hamlet.leave();
      await eventually(() => gertrude.occupants()).toEqual(['The Queen']);
      await hamlet.enter('Hamlet');
      await eventually(async () => [...(await gertrude.occupants())].sort()).toEqual(['Hamlet', 'The Queen']);
    });

    it('XEP-0313: an owner that begins anew reads all of it from the archive, once and in order', async () => {
      await gertrude.reload('Gertrude');
      await eventually(() => gertrude.texts()).toEqual([
        'Good Hamlet,',
        'cast thy nighted colour off',
        awkward,
        'Ay, madam, it is common.',
        'If it be, why seems it so particular with thee?',
        'still myself',
      ]);
      await gertrude.say('after the archive');
      await eventually(() => gertrude.texts()).toContain('after the archive');
      expect((await gertrude.texts()).filter((text) => text === 'after the archive')).toHaveLength(1);
    });

    it('so does a guest', async () => {
      await hamlet.reload('Hamlet');
      await eventually(async () => (await hamlet.texts()).slice(-2)).toEqual(['still myself', 'after the archive']);
      expect(await hamlet.texts()).toHaveLength(7);
    });

    it('XEP-0045 §9.1: who is banned is told so and why, and may not come back', async () => {
      await gertrude.ban({ nick: 'Hamlet', jid: hamlet.account }, 'my offence is rank');
      await eventually(() => hamlet.removal()).toMatch(/banned[\s\S]*my offence is rank/);
      await eventually(() => gertrude.occupants()).toEqual(['Gertrude']);
      await expect(hamlet.enter('Hamlet')).rejects.toThrow(/forbidden|banned/);
    });

    it('no client has anything to complain about', async () => {
      // The last answers may still be on their way.
      await eventually(async () => [...gertrude.complaints(), ...hamlet.complaints()]).toEqual([]);
      expect(seat().complaints()).toBe('');
    });
  });
}
