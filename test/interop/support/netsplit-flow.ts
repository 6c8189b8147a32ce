import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Jid, jid } from '../../../src/core/xmpp/jid.ts';
import { readComponentConfig, replicaConfig } from '../../../src/headless/component-config.ts';
import { historyOf } from './logs.ts';
import { type Pair, startPair } from './pair.ts';
import { SlixmppClient } from './slixmpp.ts';

const room = 'wallops@rooms.england.lit';

const patience = 90_000;
/** Real programs on two cores: what comes, may come late. */
const soon = <T>(get: () => Promise<T> | T) => expect.poll(get, { timeout: 40_000, interval: 100 });
const sorted = (names: readonly string[]) => [...names].sort();

/**
 * A room over two Prosodys through a netsplit: one user beside the primary, two behind the replica, each with a stock client.
 *
 * @param how  what becomes of the connections between the two servers
 */
export function netsplitFlow(how: 'refused' | 'silent'): void {
  describe.sequential(`a netsplit in which connections are ${how === 'silent' ? 'silent' : 'refused'}`, () => {
    let pair: Pair;
    let gertrude: SlixmppClient;
    let hamlet: SlixmppClient;
    let horatio: SlixmppClient;
    const inside = () => [gertrude, hamlet, horatio];
    beforeAll(async () => {
      pair = await startPair('wallops', 'gertrude@england.lit');
      gertrude = await SlixmppClient.login('gertrude@england.lit', room, pair.england.c2sPort);
      hamlet = await SlixmppClient.login('hamlet@scotland.lit', room, pair.scotland.c2sPort);
      horatio = await SlixmppClient.login('horatio@scotland.lit', room, pair.scotland.c2sPort);
    }, patience);
    afterAll(async () => {
      for (const client of inside()) await client?.stop();
      await pair?.stop();
    }, patience);
    let failed = false;
    beforeEach(({ skip }) => skip(failed, 'a step before failed'));
    afterEach(({ task }) => {
      failed ||= task.result?.state === 'fail';
    });

    /** Stanzas of the room's talk that crossed the network with these words, and whom they were for. */
    const crossed = (text: string) =>
      [pair.toEngland, pair.toScotland].flatMap((wan) =>
        (wan.text.match(/<message [^>]*>(?:(?!<\/message>).)*/gs) ?? [])
          .filter((stanza) => stanza.includes(`<body>${text}</body>`))
          .map((stanza) => / to='([^']*)'/.exec(stanza)?.[1]),
      );

    it('all are in one room, and one copy of a message crosses, however many are there', {
      timeout: patience,
    }, async () => {
      await soon(() => pair.replica.said()).toContain('replica live');
      await gertrude.enter('Gertrude');
      await hamlet.enter('Hamlet');
      await horatio.enter('Horatio');
      for (const one of inside()) await soon(async () => sorted(await one.occupants())).toHaveLength(3);
      await gertrude.say('What news from England?');
      await hamlet.say('I lack advancement.');
      for (const one of inside())
        await soon(async () => sorted(await one.texts())).toEqual(['I lack advancement.', 'What news from England?']);
      expect(await hamlet.texts()).toEqual(await gertrude.texts());
      expect(crossed('What news from England?')).toEqual(['replica@scotland.lit']);
      expect(crossed('I lack advancement.')).toEqual([`rooms.england.lit/${room}`, 'replica@scotland.lit']);
    });

    it('XEP-0282 §4.11.1.2: the room goes on beside the primary; behind the replica who speaks is told, who leaves is out', {
      timeout: patience,
    }, async () => {
      await pair.cut(how);
      await gertrude.say('Denmark is a prison.');
      await hamlet.say('Into the dark');
      await soon(() => pair.replica.said()).toContain('replica split');
      // Decision #130: what he said before is answered by the room, whatever his server sends him from an address of its own.
      const ofRoom = async () => (await hamlet.refusals()).filter(({ from }) => from === room);
      await soon(ofRoom).toEqual([{ from: room, condition: 'remote-server-timeout' }]);
      const before = (await hamlet.refusals()).length;
      await hamlet.say('Is anybody there?');
      await soon(async () => (await hamlet.refusals()).slice(before)).toEqual([
        { from: room, condition: 'remote-server-timeout' },
      ]);
      await horatio.leave();
      await soon(async () => sorted(await hamlet.occupants())).toEqual(['Gertrude', 'Hamlet']);
      await gertrude.say('Then is the world one.');
      await soon(async () => (await gertrude.texts()).slice(2)).toEqual([
        'Denmark is a prison.',
        'Then is the world one.',
      ]);
      expect(sorted(await gertrude.occupants())).toEqual(['Gertrude', 'Hamlet', 'Horatio']);
      expect(await hamlet.texts()).toHaveLength(2);
      expect([await hamlet.removal(), await gertrude.refusals()]).toEqual([undefined, []]);
    });

    it('XEP-0282 §4.11.2: after it everybody has what was missed, once, and the room is one again', {
      timeout: patience,
    }, async () => {
      await pair.heal();
      await soon(async () => (await hamlet.texts()).slice(2)).toEqual([
        'Denmark is a prison.',
        'Then is the world one.',
      ]);
      for (const one of [gertrude, hamlet])
        await soon(async () => sorted(await one.occupants())).toEqual(['Gertrude', 'Hamlet']);
      await hamlet.say('A goodly one.');
      await soon(() => gertrude.texts()).toContain('A goodly one.');
      await horatio.enter('Horatio');
      await gertrude.say('Denmark being one of the worst.');
      for (const one of inside()) await soon(() => one.texts()).toContain('Denmark being one of the worst.');
      const texts = await gertrude.texts();
      expect(texts.slice(2)).toEqual([
        'Denmark is a prison.',
        'Then is the world one.',
        'A goodly one.',
        'Denmark being one of the worst.',
      ]);
      expect(await hamlet.texts()).toEqual(texts);
    });

    it('both archives, and the logs of both nodes after kill -9, say the same', { timeout: patience }, async () => {
      const texts = await gertrude.texts();
      await gertrude.reload('Gertrude');
      await hamlet.reload('Hamlet');
      for (const one of [gertrude, hamlet]) await soon(() => one.texts()).toEqual(texts);
      for (const one of inside()) expect(one.complaints()).toEqual([]);
      expect([pair.primary.complaints(), pair.replica.complaints()]).toEqual(['', '']);

      await pair.replica.end('SIGKILL');
      await pair.primary.end('SIGKILL');
      const file = `${pair.directory}/rooms.json`;
      const read = readComponentConfig(file, readFileSync(file, 'utf8'), jid('rooms.england.lit'), 'primary');
      if (!read.ok) throw new Error(read.error);
      const ours = await historyOf(`${pair.directory}/primary`, read.config);
      const self = jid('replica@scotland.lit');
      const theirs = await historyOf(
        `${pair.directory}/replica`,
        replicaConfig(self, jid(room), ['scotland.lit' as Jid], undefined),
      );
      expect(ours).toHaveLength(texts.length);
      expect(theirs).toEqual(ours);
    });
  });
}
