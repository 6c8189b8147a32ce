/** The same role: what it does when its replica cannot be reached. It is tried last, because the replica is gone then. */
import { isOffer } from '../core/xep/sync.ts';
import { isPing } from '../core/xep/xep0199.ts';
import { readDmuc } from '../core/xep/xep0282.ts';
import type { Check } from './check.ts';
import { all, groupchat, isDelayed, like, nothing, says, to } from './like.ts';
import { delayedBy, type ReplicaLink } from './replica-link.ts';
import { primarySaysThere, together } from './replica-setup.ts';
import { Failed, type Script } from './script.ts';
import type { Stage } from './stage.ts';

export const splitsOfPrimary: readonly Check[] = [
  {
    id: '0282-primary-split',
    section: '4.11.1.1',
    requirement: 'After an error from the replica the primary MUST send it no further broadcasts.',
    needs: ['users'],
    *run(stage) {
      yield* split(stage);
      const text = stage.text('Hello?');
      yield* primarySaysThere(stage, stage.theirs('Wumpus'), 'Wumpus', text);
      yield* stage.never(all(to(stage.node), groupchat), 'no broadcast to a replica that is split');
    },
  },
  {
    id: '0282-primary-probes',
    section: '4.11.1.1',
    requirement: 'The primary MUST ping a replica that is split, more often than usual.',
    needs: ['users'],
    *run(stage) {
      yield* split(stage);
      yield* stage.expectWithin(oftenMs, all(pings, to(stage.node)));
    },
  },
  {
    id: '0282-primary-netjoin',
    section: 'decision 41',
    requirement:
      'When the replica is there again, the primary offers; a netjoin is answered with what was missed, in its order, and a delay.',
    needs: ['extension', 'users'],
    *run(stage) {
      const link = yield* split(stage);
      const missed = stage.text('missed');
      yield* primarySaysThere(stage, stage.theirs('Wumpus'), 'Wumpus', missed);
      stage.answersPings = true;
      yield* stage.expectWithin(
        oftenMs,
        all(
          to(stage.node),
          like('an offer', ({ payloads }) => isOffer(payloads)),
        ),
      );
      const { history } = yield* link.netjoin();
      const [first, ...more] = history.filter((stanza) => says(missed).fits(stanza));
      if (first === undefined || more.length > 0)
        throw new Failed(`“${missed}” once, in answer to the netjoin`, history);
      if (!isDelayed.fits(first) && !delayedBy(stage.at(stage.peer, 'Wumpus')).fits(first))
        throw new Failed('what was missed, with a delay', [first]);
    },
  },
];

const pings = like('a ping', isPing);
/** The first probe may come after 6 s, another after 12 s more. */
const oftenMs = 25_000;

/** A broadcast to our replica bounces, and pings to it have no answer. */
function* split(stage: Stage): Script<ReplicaLink> {
  const { link, wumpus } = yield* together(stage, ['Efchen'], 'Wumpus');
  // Nobody is there: nothing is answered from here on, and the script sees the pings.
  const text = stage.text('Anybody there?');
  yield* stage.says(wumpus, stage.peer, text);
  const lost = yield* stage.expect(all(groupchat, to(stage.node), says(text)));
  stage.answersPings = false;
  link.n = (readDmuc(lost.payloads)?.position?.n ?? 1) - 1;
  yield* stage.send(link.bounce(lost));
  // Two domains are two connections: what is sent by the other one next must not overtake it.
  yield* stage.hear(nothing, stage.setting.quietMs);
  return link;
}
