/** The same role, and what our extension adds to it: decisions #1, #5, #6, #74. */
import { readReady } from '../core/xep/sync.ts';
import { type Condition, stanzaError } from '../core/xmpp/errors.ts';
import { jid } from '../core/xmpp/jid.ts';
import { errorReply } from '../core/xmpp/stanza.ts';
import type { Check } from './check.ts';
import { all, answers, available, errorWith, from, groupchat, hasItem, says, status, to } from './like.ts';
import { delayedBy, enters, ReplicaLink } from './replica-link.ts';
import { primarySaysThere, together } from './replica-setup.ts';
import { Failed, NotOffered, type Script } from './script.ts';
import type { Stage } from './stage.ts';

const needs = ['extension'] as const;

export const extensionOfPrimary: readonly Check[] = [
  {
    id: '0282-primary-create-stranger',
    section: 'decision 5',
    requirement: 'Who is not on the room’s list of replicas is refused with forbidden.',
    needs,
    *run(stage) {
      const stranger = jid(`stranger-${stage.setting.run}@${stage.setting.domain}`);
      const request = new ReplicaLink(stage).create({}, stranger);
      yield* stage.send(request);
      yield* stage.expect(answers(request), errorWith('forbidden'));
      yield* stage.never(to(stranger), 'nothing of the room for who is refused');
    },
  },
  {
    id: '0282-primary-create-domain',
    section: 'decision 5',
    requirement: 'A replica is refused with forbidden for a domain that is not its own to serve.',
    needs,
    run: (stage) => refused(stage, { serves: [jid('example.invalid')] }, 'forbidden'),
  },
  {
    id: '0282-primary-create-nothing',
    section: 'decision 5',
    requirement: 'A replica that would serve no domain is refused with bad-request.',
    needs,
    run: (stage) => refused(stage, { serves: [] }, 'bad-request'),
  },
  {
    id: '0282-primary-create-keepalive',
    section: 'decision 5',
    requirement: 'Keepalive times outside of 10 s to 1 h are refused with not-acceptable.',
    needs,
    run: (stage) => refused(stage, { keepalive: { interval: 100_000, timeout: 15 } }, 'not-acceptable'),
  },
  {
    id: '0282-primary-roster',
    section: '4.3',
    requirement: 'A new replica is sent the room’s roster: a presence from each occupant, with affiliation and role.',
    needs: ['extension', 'users'],
    *run(stage) {
      const { state } = yield* together(stage, [], 'Wumpus');
      const there = state?.roster.filter((stanza) => stanza.from === stage.at(stage.peer, 'Wumpus')) ?? [];
      const [first] = there;
      if (first === undefined || there.length > 1)
        throw new Failed(`one presence of ${stage.at(stage.peer, 'Wumpus')} in the roster`, state?.roster ?? []);
      if (!hasItem.fits(first)) throw new Failed(`a roster entry ${hasItem.words}`, [first]);
    },
  },
  {
    id: '0282-primary-history',
    section: '4.4',
    requirement:
      'A new replica may be sent the history: messages from their authors, with a delay inside of the dmuc element.',
    needs: ['extension', 'users'],
    *run(stage) {
      const wumpus = stage.theirs('Wumpus');
      yield* stage.enters(wumpus, stage.at(stage.peer, 'Wumpus'));
      const text = stage.text('Honest! He did!!');
      yield* primarySaysThere(stage, wumpus, 'Wumpus', text);
      const { history } = yield* new ReplicaLink(stage).created();
      const [old, ...more] = history.filter((stanza) => says(text).fits(stanza));
      if (old === undefined) throw new NotOffered('the primary sends no history');
      if (more.length > 0) throw new Failed('each message of the history once', more);
      for (const must of [from(stage.at(stage.peer, 'Wumpus')), delayedBy(stage.at(stage.peer, 'Wumpus'))])
        if (!must.fits(old)) throw new Failed(`a message of the history, ${must.words}`, [old]);
    },
  },
  {
    id: '0282-primary-ready',
    section: 'decision 74',
    requirement: '<ready/> says how many entries of the roster and messages of the history went before it.',
    needs,
    *run(stage) {
      const { state } = yield* together(stage, []);
      const ready = state && readReady(state.ready.payloads);
      if (state === undefined || ready === undefined) throw new NotOffered('no <ready/>');
      const [roster, history] = [state.roster.length, state.history.length];
      if (ready.roster !== roster || ready.history !== history)
        throw new Failed(`<ready/> with roster='${roster}' and history='${history}': so many came`, [state.ready]);
    },
  },
  {
    id: '0282-primary-positions',
    section: 'decision 1',
    requirement: 'Each change has the next position of the room, in <s/> inside of the dmuc element.',
    needs,
    *run(stage) {
      const since = stage.exchanged.length;
      const { link, efchen } = yield* together(stage, ['Efchen', 'BigCheese']);
      for (const text of [stage.text('one'), stage.text('two')]) {
        yield* stage.says(efchen, stage.peer, text);
        yield* stage.expect(all(groupchat, to(stage.node), says(text)));
      }
      const positions = link.positions(since);
      const [first = 0] = positions;
      if (positions.length < 4 || positions.join() !== positions.map((_, i) => first + i).join())
        throw new Failed(`positions without a gap; they were ${positions.join(', ') || 'absent'}`, []);
    },
  },
  {
    id: '0282-primary-enter-refused',
    section: 'decision 6',
    requirement: 'If the replica refuses <enter/> with not-acceptable, the primary serves the user itself.',
    needs,
    *run(stage) {
      yield* together(stage, []);
      const user = stage.ours('BigCheese');
      const occupant = stage.at(stage.peer, 'BigCheese');
      yield* stage.asksIn(user, occupant);
      const enter = yield* stage.expect(all(available, from(occupant), to(stage.node), enters(user)));
      const [dmuc] = enter.payloads.filter(
        (payload) => payload.name === 'x' && enters(user).fits({ ...enter, payloads: [payload] }),
      );
      const refusal = errorReply(enter, stanzaError('modify', 'not-acceptable'), ...(dmuc ? [dmuc] : []));
      if (refusal) yield* stage.send(refusal);
      yield* stage.expect(all(available, from(occupant), to(user)), status(110));
    },
  },
];

function* refused(stage: Stage, create: Parameters<ReplicaLink['create']>[0], condition: Condition): Script {
  const request = new ReplicaLink(stage).create(create);
  yield* stage.send(request);
  yield* stage.expect(answers(request), errorWith(condition));
}
