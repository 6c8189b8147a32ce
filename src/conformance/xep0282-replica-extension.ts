/** The same role, and what our extension adds to it: decisions #2, #6, #41. */
import { readNetjoin, writeCreated, writeReady } from '../core/xep/sync.ts';
import { iq, iqResult } from '../core/xmpp/stanza.ts';
import type { Check } from './check.ts';
import { all, available, either, errorWith, from, groupchat, isDelayed, isError, like, says, to } from './like.ts';
import { type PrimaryLink, remoteNick } from './primary-link.ts';
import { primaryOf } from './primary-setup.ts';
import { enters } from './replica-link.ts';
import { Failed, type Script } from './script.ts';
import type { Stage } from './stage.ts';

const needs = ['extension'] as const;

export const extensionOfReplica: readonly Check[] = [
  {
    id: '0282-replica-unasked-refused',
    section: 'decision 6',
    requirement: '<enter/> for a user who did not ask is refused with not-acceptable, and the <enter/> in question.',
    needs,
    *run(stage) {
      const link = primaryOf(stage);
      const victim = stage.theirs('Victim');
      yield* stage.send(link.update(stage.nick('Victim')), link.enter(victim, stage.nick('Victim')));
      const refusal = all(isError, from(stage.peer), to(stage.at(link.room, 'Victim')));
      yield* stage.expect(refusal, errorWith('not-acceptable'), enters(victim));
      yield* stage.send(...link.leave(victim, stage.nick('Victim')));
    },
  },
  {
    id: '0282-replica-repeated',
    section: 'decision 2',
    requirement: 'A change that comes again is dropped.',
    needs,
    *run(stage) {
      const link = primaryOf(stage);
      const user = stage.theirs('BigCheese');
      yield* link.lets(user, 'BigCheese');
      const text = stage.text('once');
      const said = link.says(remoteNick, text);
      yield* stage.send(said, said);
      const shown = all(groupchat, to(user), says(text));
      yield* stage.expect(shown);
      yield* stage.never(shown, 'one copy, though the position came twice');
    },
  },
  {
    id: '0282-replica-gap',
    section: 'decision 41',
    requirement:
      'On a gap the replica shows nothing and asks with <netjoin/> for what is after its last position; what it is told then is shown in order, with a delay.',
    needs,
    *run(stage) {
      const link = primaryOf(stage);
      const user = stage.theirs('BigCheese');
      yield* link.lets(user, 'BigCheese');
      yield* stage.expect(all(available, from(stage.at(link.room, 'BigCheese')), to(user)));
      link.answersRequests = false;
      yield* gap(stage, link, user);
    },
  },
];

function* gap(stage: Stage, link: PrimaryLink, user: Parameters<PrimaryLink['lets']>[0]): Script {
  const h = link.n;
  const [lost, next] = [stage.text('lost'), stage.text('next')];
  const missed = link.says(remoteNick, lost);
  const seen = link.says(remoteNick, next);
  yield* stage.send(seen);
  const asks = like('a <netjoin/>', ({ payloads }) => readNetjoin(payloads) !== undefined);
  const request = yield* stage.expect(all(from(stage.peer), asks));
  const netjoin = readNetjoin(request.payloads);
  if (netjoin?.have.n !== h || netjoin.session !== link.session || netjoin.have.epoch !== link.epoch)
    throw new Failed(`<netjoin session='${link.session}' epoch='${link.epoch}' h='${h}'/>`, [request]);
  yield* stage.never(all(to(user), says(next)), 'nothing of what is behind the gap');
  const { session, epoch, n } = link;
  const keepalive = link.created?.keepalive ?? { interval: 60, timeout: 15 };
  yield* stage.send(
    iqResult(request, writeCreated({ session, epoch, n, mode: 'delta', jids: 'none', keepalive, maxstanzas: 20 })),
    missed,
    seen,
    iq(link.room, stage.peer, { type: 'set', id: `ready-${stage.newId()}` }, writeReady({ n, roster: 0, history: 0 })),
  );
  const missing = all(groupchat, to(user), either(`with “${lost}” and then “${next}”`, says(lost), says(next)));
  yield* stage.expect(missing, says(lost), isDelayed);
  yield* stage.expect(missing, says(next), isDelayed);
}
