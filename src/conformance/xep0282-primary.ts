/** XEP-0282, with the room under test as the primary: ours is a replica of it. */

import { writeJoin } from '../core/xep/xep0045.ts';
import { readDmuc } from '../core/xep/xep0282.ts';
import { occupantJid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { iq, presence } from '../core/xmpp/stanza.ts';
import { el } from '../core/xmpp/xml.ts';
import type { Check, Part, Review } from './check.ts';
import { changesSubject } from './fmuc-setup.ts';
import {
  all,
  answers,
  available,
  either,
  errorWith,
  from,
  fromRoom,
  groupchat,
  hasItem,
  isResult,
  itemOf,
  like,
  says,
  shows,
  status,
  subjectIs,
  to,
  unavailable,
} from './like.ts';
import { delayedBy, enters, isUpdate, leaves, ReplicaLink } from './replica-link.ts';
import { primarySaysThere, together } from './replica-setup.ts';
import { forUserReview, noAnswerToErrors } from './reviews.ts';
import { Failed, NotOffered } from './script.ts';
import { adminItem } from './stage.ts';
import { extensionOfPrimary } from './xep0282-primary-extension.ts';
import { splitsOfPrimary } from './xep0282-primary-split.ts';

const begin: Check = {
  id: '0282-primary-replica',
  section: '4.2',
  requirement:
    'The primary has our replica: it is created where it asks for that (decision 5), or as the two sides have agreed.',
  *run(stage) {
    if (stage.extension) {
      yield* new ReplicaLink(stage).created();
      return;
    }
    const bigCheese = stage.ours('BigCheese');
    yield* stage.asksIn(bigCheese, stage.at(stage.peer, 'BigCheese'));
    const served = yield* stage.expect(
      either(
        `the presence of ${bigCheese} for our replica, or for the user`,
        all(available, fromRoom(stage.peer), to(stage.node)),
        all(fromRoom(stage.peer), to(bigCheese)),
      ),
    );
    if (served.to === bigCheese)
      throw new NotOffered(
        'the room serves our users itself; XEP-0282 leaves open how a replica is created, and the room takes ours for none',
      );
  },
};

const checks: readonly Check[] = [
  {
    id: '0282-primary-enter',
    section: '4.5',
    requirement:
      'A new occupant behind the replica is shown to it in a presence update first; then the primary asks it with <enter/> to serve the user.',
    *run(stage) {
      yield* together(stage, []);
      const user = stage.ours('BigCheese');
      const occupant = stage.at(stage.peer, 'BigCheese');
      yield* stage.asksIn(user, occupant);
      const there = all(available, from(occupant), to(stage.node));
      yield* stage.expect(there, isUpdate, hasItem);
      yield* stage.expect(there, enters(user));
      yield* stage.never(there, 'one update and one <enter/>');
    },
  },
  {
    id: '0282-primary-enter-history',
    section: '4.5',
    requirement: 'Beside <enter/> stands how much history the user has asked for.',
    *run(stage) {
      yield* together(stage, []);
      const user = stage.ours('BigCheese');
      const occupant = stage.at(stage.peer, 'BigCheese');
      stage.leavesAfter(() => presence(user, occupant, { type: 'unavailable' }));
      yield* stage.send(presence(user, occupant, { id: stage.newId() }, writeJoin({ history: { maxstanzas: 3 } })));
      const asked = like(
        "with <history maxstanzas='3'/> beside it",
        ({ payloads }) => readDmuc(payloads)?.history?.maxstanzas === 3,
      );
      yield* stage.expect(all(available, from(occupant), to(stage.node), enters(user)), asked);
    },
  },
  {
    id: '0282-primary-by-replica',
    section: '4.5',
    requirement:
      'Those behind the replica have the room from it alone: the primary itself sends them neither roster nor messages.',
    *run(stage) {
      const { efchen } = yield* together(stage, ['Efchen']);
      const text = stage.text('by the replica');
      yield* stage.says(efchen, stage.peer, text);
      yield* stage.expect(all(groupchat, to(stage.node), says(text)));
      yield* stage.never(all(fromRoom(stage.peer), to(efchen)), 'nothing of the room for a user behind the replica');
    },
  },
  {
    id: '0282-primary-message',
    section: '4.9',
    requirement:
      'A message goes to the replica once, however many of its users are in, from the occupant and as it was said.',
    *run(stage) {
      const { efchen } = yield* together(stage, ['Efchen', 'BigCheese']);
      const text = stage.text('a truly rotten time');
      yield* stage.says(efchen, stage.peer, text);
      const copy = all(groupchat, fromRoom(stage.peer), says(text));
      yield* stage.expect(copy, from(stage.at(stage.peer, 'Efchen')), to(stage.node));
      yield* stage.never(copy, `one copy of “${text}”`);
    },
  },
  {
    id: '0282-primary-delay',
    section: '4.9',
    requirement: 'The copy for the replica should have a delay from the occupant inside of the dmuc element.',
    *run(stage) {
      const { efchen } = yield* together(stage, ['Efchen']);
      const text = stage.text('in time');
      yield* stage.says(efchen, stage.peer, text);
      yield* stage.expect(all(groupchat, to(stage.node), says(text)), delayedBy(stage.at(stage.peer, 'Efchen')));
    },
  },
  {
    id: '0282-primary-message-direct',
    section: '4.9',
    requirement:
      'A message of a user whom no replica serves goes to the replica, and to that user without the dmuc element.',
    needs: ['users'],
    *run(stage) {
      const { wumpus } = yield* together(stage, ['Efchen'], 'Wumpus');
      const text = stage.text('from afar');
      yield* primarySaysThere(stage, wumpus, 'Wumpus', text);
      const copy = all(groupchat, to(stage.node), says(text));
      yield* stage.expect(copy, from(stage.at(stage.peer, 'Wumpus')), delayedBy(stage.at(stage.peer, 'Wumpus')));
      yield* stage.never(copy, 'one copy');
    },
  },
  {
    id: '0282-primary-subject',
    section: '4.9',
    requirement: 'A new subject goes to the replica, from whoever set it.',
    needs: ['users'],
    *run(stage) {
      const { owner } = stage;
      yield* together(stage, ['Efchen']);
      yield* stage.enters(owner, stage.at(stage.peer, 'Owner'));
      const text = stage.text('the war of 1990');
      yield* changesSubject(stage, owner, text);
      yield* stage.expect(all(groupchat, to(stage.node), subjectIs(text)), from(stage.at(stage.peer, 'Owner')));
    },
  },
  {
    id: '0282-primary-leave',
    section: '4.6',
    requirement:
      'When a user behind the replica leaves, the primary asks it with <leave/> to drop them, and then tells of the departure.',
    *run(stage) {
      const { efchen } = yield* together(stage, ['Efchen']);
      const occupant = stage.at(stage.peer, 'Efchen');
      yield* stage.send(presence(efchen, occupant, { type: 'unavailable' }));
      const gone = all(unavailable, from(occupant), to(stage.node));
      yield* stage.expect(gone, leaves(efchen));
      yield* stage.expect(gone, isUpdate, hasItem);
      yield* stage.never(gone, 'one <leave/> and one update');
    },
  },
  {
    id: '0282-primary-presence',
    section: '4.7',
    requirement: 'A presence update goes to the replica once, from the occupant, with the item of muc#user.',
    *run(stage) {
      const { efchen } = yield* together(stage, ['Efchen']);
      const occupant = stage.at(stage.peer, 'Efchen');
      yield* stage.send(presence(efchen, occupant, {}, el('show', NS.client, {}, 'away')));
      const update = all(available, from(occupant), to(stage.node), shows('away'));
      yield* stage.expect(update, isUpdate, hasItem);
      yield* stage.never(update, 'one update');
    },
  },
  {
    id: '0282-primary-nick',
    section: '4.7',
    requirement: 'A change of nick goes to the replica: unavailable under the old one, with 303 and the new one.',
    *run(stage) {
      const { efchen } = yield* together(stage, ['Efchen']);
      const [before, after] = [stage.at(stage.peer, 'Efchen'), stage.at(stage.peer, 'Msa')];
      stage.leavesAfter(() => presence(efchen, after, { type: 'unavailable' }));
      yield* stage.send(presence(efchen, after, {}));
      const named = like(
        'with the new nick in its item',
        (stanza) => occupantJid(stage.peer, itemOf(stanza)?.attrs['nick'] ?? '') === after,
      );
      yield* stage.expect(all(unavailable, from(before), to(stage.node)), status(303), named);
    },
  },
  {
    id: '0282-primary-kick',
    section: '4.6',
    requirement:
      'Who is kicked is taken out at the replica with <leave/>, and everybody is told, both with the status 307.',
    needs: ['users'],
    *run(stage) {
      const { owner } = stage;
      const { efchen } = yield* together(stage, ['Efchen']);
      yield* stage.enters(owner, stage.at(stage.peer, 'Owner'));
      const answer = yield* stage.ask(
        stage.peer,
        owner,
        'set',
        adminItem({ nick: stage.nick('Efchen'), role: 'none' }),
      );
      if (!isResult.fits(answer)) throw new NotOffered(`${owner} may not kick`);
      const gone = all(unavailable, from(stage.at(stage.peer, 'Efchen')), to(stage.node));
      yield* stage.expect(gone, leaves(efchen), status(307));
      yield* stage.expect(gone, isUpdate, status(307));
    },
  },
  {
    id: '0282-primary-ban',
    section: '4.6',
    requirement:
      'Who is banned is taken out at the replica with <leave/>, and everybody is told, both with the status 301.',
    needs: ['users'],
    *run(stage) {
      const { owner } = stage;
      const { efchen } = yield* together(stage, ['Efchen']);
      yield* stage.enters(owner, stage.at(stage.peer, 'Owner'));
      const item = (affiliation: string) => adminItem({ jid: efchen.slice(0, efchen.indexOf('/')), affiliation });
      const answer = yield* stage.ask(stage.peer, owner, 'set', item('outcast'));
      if (!isResult.fits(answer)) throw new NotOffered(`${owner} may not ban`);
      stage.leavesAfter(() => iq(owner, stage.peer, { type: 'set', id: stage.newId() }, item('none')));
      const gone = all(unavailable, from(stage.at(stage.peer, 'Efchen')), to(stage.node));
      yield* stage.expect(gone, leaves(efchen), status(301));
      yield* stage.expect(gone, isUpdate, status(301));
      yield* stage.asksIn(efchen, stage.at(stage.peer, 'Efchen'));
      yield* stage.expect(all(fromRoom(stage.peer), to(efchen)), errorWith('forbidden'));
    },
  },
  {
    id: '0282-primary-nick-taken',
    section: '5.1',
    requirement: 'A user who asks for a nick that is taken is refused with conflict, and is entered nowhere.',
    *run(stage) {
      yield* together(stage, ['Efchen']);
      const other = stage.ours('Other');
      yield* stage.send(presence(other, stage.at(stage.peer, 'Efchen'), { id: stage.newId() }, writeJoin({})));
      yield* stage.expect(all(fromRoom(stage.peer), to(other)), errorWith('conflict'));
      yield* stage.never(all(to(stage.node), enters(other)), 'no <enter/> for a user who is refused');
    },
  },
  {
    id: '0282-primary-not-in',
    section: '4.8',
    requirement: 'What a user says who is not in is refused, and goes to no replica.',
    *run(stage) {
      yield* together(stage, ['Efchen']);
      const other = stage.ours('Other');
      const text = stage.text('from outside');
      yield* stage.says(other, stage.peer, text);
      yield* stage.expect(
        all(fromRoom(stage.peer), to(other)),
        errorWith('not-acceptable', 'forbidden', 'not-allowed'),
      );
      yield* stage.never(all(to(stage.node), says(text)), 'nothing of a user who is not in');
    },
  },
  {
    id: '0282-primary-client-payload',
    section: '4.9',
    requirement: 'A dmuc element in a message of a user goes no further: nobody leaves because of it.',
    *run(stage) {
      const { efchen, bigCheese } = yield* together(stage, ['Efchen', 'BigCheese']);
      const text = stage.text('begone');
      yield* stage.says(efchen, stage.peer, text, el('x', NS.dmuc2, {}, el('leave', NS.dmuc2, { jid: bigCheese })));
      const clean = like('with one dmuc element at most, which is the primary’s', ({ payloads }) => {
        const elements = payloads.filter(({ name, xmlns }) => name === 'x' && xmlns === NS.dmuc2);
        return elements.length <= 1 && readDmuc(payloads)?.leave === undefined;
      });
      yield* stage.expect(all(groupchat, to(stage.node), says(text)), clean);
    },
  },
  {
    id: '0282-primary-ping',
    section: '4.10',
    requirement: 'A ping of the replica is answered.',
    *run(stage) {
      yield* together(stage, []);
      const ping = iq(stage.node, stage.peer, { type: 'get', id: stage.newId() }, el('ping', NS.ping));
      yield* stage.send(ping);
      yield* stage.expect(answers(ping), isResult);
    },
  },
];

const jids: Review = {
  id: '0282-primary-jids',
  section: '4.7',
  requirement: 'The primary MUST NOT send the full address of a user to a replica none of whose users is a moderator.',
  examine(exchanged, { node }) {
    const named = exchanged
      .filter(({ sent, stanza }) => !sent && stanza.to === node && stanza.name === 'presence')
      .map(({ stanza }) => stanza)
      .filter((stanza) => itemOf(stanza)?.attrs['jid'] !== undefined);
    if (named.length > 0)
      throw new Failed('no address in an item of muc#user for our replica, which has no moderators', named.slice(0, 3));
  },
};

export const primary: Part = {
  protocol: '0282',
  role: 'primary',
  setUp: ({ peer, node, domain, users }) => [
    `Make the room ${peer}. Everybody may enter it, and it shows real addresses to moderators alone.`,
    `${node}@${domain} may be a replica of it (XEP-0282), for the users of ${domain}.`,
    ...(users === domain ? [] : [`No replica serves the users of ${users}. Make owner@${users} an owner of the room.`]),
  ],
  begin,
  checks: [...checks, ...extensionOfPrimary, ...splitsOfPrimary],
  *end(stage) {
    if (!stage.extension) return;
    const link = new ReplicaLink(stage);
    yield* link.created();
    yield* link.ends();
  },
  reviews: [
    jids,
    forUserReview('0282-primary-for-users', '4.9'),
    noAnswerToErrors('0282-primary-no-error-to-error', '4'),
  ],
};
