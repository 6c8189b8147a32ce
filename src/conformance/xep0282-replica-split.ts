/** The same role: what the replica does when its primary cannot be reached. It is tried last. */
import { readAck, readRelayed } from '../core/xep/sync.ts';
import { readDmuc } from '../core/xep/xep0282.ts';
import { stanzaError, writeError } from '../core/xmpp/errors.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { errorReply, message, presence, type Stanza } from '../core/xmpp/stanza.ts';
import { el } from '../core/xmpp/xml.ts';
import type { Check } from './check.ts';
import {
  all,
  available,
  either,
  from,
  iqGet,
  iqSet,
  isError,
  isResult,
  like,
  says,
  shows,
  status,
  to,
  unavailable,
} from './like.ts';
import { primaryOf } from './primary-setup.ts';
import type { Script } from './script.ts';
import type { Stage } from './stage.ts';

export const splitsOfReplica: readonly Check[] = [
  {
    id: '0282-replica-split',
    section: '4.11.1.2',
    requirement: 'After an error from the primary the replica MUST stop submitting messages.',
    *run(stage) {
      const link = primaryOf(stage);
      yield* split(stage);
      const user = stage.theirs('BigCheese');
      const text = stage.text('Hello?');
      yield* stage.says(user, link.room, text);
      yield* stage.never(all(link.relayed(user), says(text)), 'no message for a primary that is out of reach');
      yield* heals(stage);
    },
  },
  {
    id: '0282-replica-split-local',
    section: '4.11.1.2',
    requirement: 'It MUST show the local users each other’s presence and leaves meanwhile.',
    *run(stage) {
      const link = primaryOf(stage);
      yield* split(stage);
      const [user, other] = [stage.theirs('BigCheese'), stage.theirs('Efchen')];
      const occupant = stage.at(link.room, 'Efchen');
      yield* stage.send(presence(other, occupant, {}, el('show', NS.client, {}, 'away')));
      yield* stage.expect(all(available, from(occupant), to(user), shows('away')));
      yield* stage.send(presence(other, occupant, { type: 'unavailable' }));
      yield* stage.expect(all(unavailable, from(occupant), to(other)), status(110));
      yield* stage.expect(all(unavailable, from(occupant), to(user)));
      yield* heals(stage);
    },
  },
  {
    id: '0282-replica-netjoin',
    section: 'decision 42',
    requirement:
      'When the primary is back, the replica relays what happened meanwhile in the users’ own names, with <split/> in the dmuc element, and then <relayed/> with the number of it.',
    needs: ['extension'],
    *run(stage) {
      const link = primaryOf(stage);
      yield* split(stage);
      const other = stage.theirs('Efchen');
      yield* stage.send(presence(other, stage.at(link.room, 'Efchen'), { type: 'unavailable' }));
      yield* stage.expect(all(unavailable, to(other)));
      yield* heals(stage);
      const marked = like(
        'with <split id/> in its dmuc element',
        ({ payloads }) => readDmuc(payloads)?.split !== undefined,
      );
      yield* stage.expect(all(unavailable, link.relayed(other, stage.nick('Efchen'))), marked);
      const count = like("with <relayed count='1'/>", ({ payloads }) => readRelayed(payloads) === 1);
      yield* stage.expect(
        all(
          iqSet,
          from(stage.peer),
          like('of what was relayed', ({ payloads }) => readRelayed(payloads) !== undefined),
        ),
        count,
      );
    },
  },
];

/** Two users are in behind the replica, and its primary goes out of reach, which it is to notice by a bounce. */
function* split(stage: Stage): Script {
  const link = primaryOf(stage);
  const user = stage.theirs('BigCheese');
  yield* link.lets(user, 'BigCheese');
  yield* link.lets(stage.theirs('Efchen'), 'Efchen');
  yield* stage.expect(all(available, from(stage.at(link.room, 'Efchen')), to(stage.theirs('Efchen')), status(110)));
  yield* stage.says(user, link.room, stage.text('Anybody there?'));
  yield* stage.expect(link.relayed(user));
  // Nobody is there: what the replica itself asks of us comes back. What it relays would come back to the user.
  link.answersRequests = false;
  stage.answersPings = false;
  const asks = all(from(stage.peer), either('a request', iqGet, iqSet));
  const lost = yield* stage.maybe(asks, noticeMs);
  stage.habits.push((stanza) => (asks.fits(stanza) ? bounced(stanza) : undefined));
  if (lost) return yield* stage.send(...bounced(lost));
  // XEP-0282 §4.11.1 asks for no more than the primary's address and the type.
  const timeout = writeError(stanzaError('wait', 'remote-server-timeout'));
  yield* stage.send(message(link.room, stage.peer, { type: 'error', id: stage.newId() }, timeout));
  yield* stage.hear(all(from(stage.peer), isError), stage.setting.quietMs);
}

/** Our room is there again, and the replica has come back to it. */
function* heals(stage: Stage): Script {
  const link = primaryOf(stage);
  stage.habits = [];
  stage.answersPings = true;
  link.answersRequests = true;
  if (!stage.extension) return;
  yield* stage.send(link.offer());
  const holds = like(
    '<a/>: the replica has the state of our room again',
    ({ payloads }) => readAck(payloads) !== undefined,
  );
  yield* stage.expectWithin(stage.setting.patienceMs, all(isResult, holds));
}

function bounced(stanza: Stanza): readonly Stanza[] {
  const bounce = errorReply(stanza, stanzaError('wait', 'remote-server-timeout'));
  return bounce ? [bounce] : [];
}

/** A replica that has heard nothing since a relay asks after 5 s, or after 15 s more where it has just asked. */
const noticeMs = 25_000;
