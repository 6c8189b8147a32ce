/** XEP-0282, with the peer as a replica of our room: users of its domain are in by it. */
import { readAck, readCreate } from '../core/xep/sync.ts';
import { writeMucUser } from '../core/xep/xep0045.ts';
import { writeDmuc } from '../core/xep/xep0282.ts';
import { jid, occupantJid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { iq, presence } from '../core/xmpp/stanza.ts';
import { el } from '../core/xmpp/xml.ts';
import type { Check, Part } from './check.ts';
import {
  all,
  answers,
  available,
  forUsers,
  from,
  fromRoom,
  groupchat,
  has,
  hasSubject,
  isDelayed,
  isError,
  isResult,
  itemOf,
  like,
  not,
  says,
  shows,
  status,
  subjectIs,
  to,
  unavailable,
} from './like.ts';
import { remoteNick, subjectText } from './primary-link.ts';
import { primaryOf, startPrimary } from './primary-setup.ts';
import { forUserReview, noAnswerToErrors } from './reviews.ts';
import { Failed, NotOffered } from './script.ts';
import { extensionOfReplica } from './xep0282-replica-extension.ts';
import { splitsOfReplica } from './xep0282-replica-split.ts';

const begin: Check = {
  id: '0282-replica-created',
  section: '4.2',
  requirement:
    'The replica takes our room for its primary: it asks to be created (decision 5), or is set up to be its replica.',
  *run(stage) {
    const link = primaryOf(stage);
    const asks = like('the request of the replica to be created', ({ payloads }) => readCreate(payloads) !== undefined);
    if (!stage.extension) {
      yield* stage.send(...link.state());
      const user = stage.theirs('BigCheese');
      yield* link.lets(user, 'BigCheese');
      const served = all(available, from(stage.at(link.room, 'BigCheese')), to(user), status(110));
      if (yield* stage.maybe(served)) return;
      const request = yield* stage.maybe(asks, stage.setting.patienceMs);
      if (request) throw new NotOffered(`it asks to be created by ${NS.ext}, and is no replica without that`);
      throw new Failed(`${served.words}: our room has entered the user`, []);
    }
    yield* stage.send(link.offer());
    const request = yield* stage.expectWithin(stage.setting.patienceMs, asks);
    if ((readCreate(request.payloads)?.serves ?? []).length === 0)
      throw new Failed('<create/> with the domains that the replica serves', [request]);
    const holds = like(
      '<a/> in answer to <ready/>',
      (stanza) => isResult.fits(stanza) && readAck(stanza.payloads) !== undefined,
    );
    const answer = yield* stage.expect(holds);
    if (readAck(answer.payloads)?.h !== link.n) throw new Failed(`<a h='${link.n}'/>: so far goes the state`, [answer]);
  },
};

const checks: readonly Check[] = [
  {
    id: '0282-replica-relay',
    section: '4.8',
    requirement:
      'What a user sends to the room is relayed to the primary as it is: the replica MUST NOT modify the from.',
    *run(stage) {
      const link = primaryOf(stage);
      const user = stage.theirs('BigCheese');
      const join = yield* link.lets(user, 'BigCheese');
      const isJoin = has('x', NS.muc);
      if (!isJoin.fits(join)) throw new Failed(`the join of ${user}, ${isJoin.words}`, [join]);
      const text = stage.text('a truly rotten time');
      yield* stage.says(user, link.room, text);
      const relay = all(link.relayed(user), says(text));
      const said = yield* stage.expect(relay, groupchat);
      yield* stage.never(relay, 'one relay');
      yield* stage.send(link.says(stage.nick('BigCheese'), text, said.id));
    },
  },
  {
    id: '0282-replica-enter',
    section: '4.5',
    requirement:
      'After <enter/> the replica sends the user the roster, then their own presence, then the history and the subject, all in the names of the room’s occupants.',
    *run(stage) {
      const link = primaryOf(stage);
      const user = stage.theirs('BigCheese');
      yield* link.lets(user, 'BigCheese');
      const wumpus = occupantJid(link.room, remoteNick);
      const got = all(fromRoom(link.room), to(user));
      const first = yield* stage.expect(got);
      for (const must of [available, from(wumpus)])
        if (!must.fits(first)) throw new Failed(`the presence of ${wumpus} before all else`, [first]);
      yield* stage.expect(all(got, available), from(stage.at(link.room, 'BigCheese')), status(110), forUsers);
      yield* stage.expect(all(got, groupchat, says(link.pastText)), from(wumpus), isDelayed, forUsers);
      yield* stage.expect(all(got, groupchat, hasSubject), subjectIs(subjectText), forUsers);
    },
  },
  {
    id: '0282-replica-unasked',
    section: '4.5',
    requirement:
      'The replica MUST verify that a user has sent directed presence: <enter/> for anybody else adds nobody.',
    *run(stage) {
      const link = primaryOf(stage);
      const victim = stage.theirs('Victim');
      yield* stage.send(link.update(stage.nick('Victim')), link.enter(victim, stage.nick('Victim')));
      yield* stage.never(to(victim), 'nothing for a user who did not ask to enter');
      yield* stage.send(...link.leave(victim, stage.nick('Victim')));
    },
  },
  {
    id: '0282-replica-not-primary',
    section: '4.3',
    requirement: 'What comes from anybody but the primary is shown to nobody.',
    *run(stage) {
      const link = primaryOf(stage);
      const user = stage.theirs('BigCheese');
      yield* link.lets(user, 'BigCheese');
      const mallory = jid(`stranger-${stage.setting.run}@${stage.setting.domain}/Mallory`);
      const text = stage.text('Believe me');
      const rank = writeMucUser({ affiliation: 'owner', role: 'moderator', statuses: [] });
      const parts = { id: stage.newId() };
      yield* stage.send(presence(mallory, stage.peer, parts, rank), { ...link.says('Mallory', text), from: mallory });
      const shown = like(
        '',
        (stanza) => stanza.to === user && (says(text).fits(stanza) || stanza.from.endsWith('/Mallory')),
      );
      yield* stage.never(shown, 'nothing of a room that is not the primary');
      // The place of what was not taken is free again.
      if (stage.extension) link.n--;
    },
  },
  {
    id: '0282-replica-message',
    section: '4.9',
    requirement: 'A broadcast goes to each local user once, with the from as it was, and without the dmuc element.',
    *run(stage) {
      const link = primaryOf(stage);
      const users = [stage.theirs('BigCheese'), stage.theirs('Efchen')] as const;
      yield* link.lets(users[0], 'BigCheese');
      yield* link.lets(users[1], 'Efchen');
      const text = stage.text('to all');
      yield* stage.send(link.says(remoteNick, text));
      for (const user of users)
        yield* stage.expect(all(groupchat, to(user), says(text)), from(occupantJid(link.room, remoteNick)), forUsers);
      yield* stage.never(says(text), 'one copy for each local user');
    },
  },
  {
    id: '0282-replica-history',
    section: '4.9',
    requirement: 'The replica keeps what was broadcast, and gives it with a delay to those who enter later.',
    *run(stage) {
      const link = primaryOf(stage);
      const text = stage.text('for later');
      yield* link.lets(stage.theirs('Efchen'), 'Efchen');
      yield* stage.send(link.says(remoteNick, text));
      yield* stage.expect(all(to(stage.theirs('Efchen')), says(text)));
      const later = stage.theirs('BigCheese');
      yield* link.lets(later, 'BigCheese');
      yield* stage.expect(
        all(groupchat, to(later), says(text)),
        from(occupantJid(link.room, remoteNick)),
        isDelayed,
        forUsers,
      );
    },
  },
  {
    id: '0282-replica-jids',
    section: '4.7',
    requirement: 'A full address in an update MUST be removed for those who may not see it by XEP-0045.',
    *run(stage) {
      const link = primaryOf(stage);
      const user = stage.theirs('BigCheese');
      yield* link.lets(user, 'BigCheese');
      const secret = jid(`secret@${stage.setting.domain}/kit`);
      const nick = stage.nick('Valdis');
      yield* stage.send(link.update(nick, { jid: secret }));
      const hidden = like('without the address in its item', (stanza) => itemOf(stanza)?.attrs['jid'] === undefined);
      yield* stage.expect(all(available, from(occupantJid(link.room, nick)), to(user)), hidden);
      yield* stage.send(...link.leave(secret, nick).slice(1));
    },
  },
  {
    id: '0282-replica-presence',
    section: '4.7',
    requirement: 'A presence update is distributed to the local users, and what they show is relayed.',
    *run(stage) {
      const link = primaryOf(stage);
      const user = stage.theirs('BigCheese');
      yield* link.lets(user, 'BigCheese');
      const away = el('show', NS.client, {}, 'away');
      yield* stage.send(presence(user, stage.at(link.room, 'BigCheese'), {}, away));
      yield* stage.expect(all(link.relayed(user, stage.nick('BigCheese')), shows('away')), available);
      yield* stage.send(
        link.update(remoteNick, { affiliation: 'owner', role: 'moderator' }, el('show', NS.client, {}, 'dnd')),
      );
      yield* stage.expect(all(available, from(occupantJid(link.room, remoteNick)), to(user), shows('dnd')), forUsers);
    },
  },
  {
    id: '0282-replica-nick',
    section: '4.7',
    requirement: 'A change of nick is shown to the local users, with the status 303 and the new nick.',
    *run(stage) {
      const link = primaryOf(stage);
      const user = stage.theirs('BigCheese');
      yield* link.lets(user, 'BigCheese');
      const [before, after] = [stage.nick('Valdis'), stage.nick('Valdemar')];
      const valdis = stage.ours('Valdis');
      yield* stage.send(link.update(before));
      yield* stage.expect(all(available, from(occupantJid(link.room, before)), to(user)));
      yield* stage.send(link.renames(before, after), ...(stage.extension ? [] : [link.update(after)]));
      yield* stage.expect(all(unavailable, from(occupantJid(link.room, before)), to(user)), status(303), forUsers);
      yield* stage.expect(all(available, from(occupantJid(link.room, after)), to(user)), forUsers);
      yield* stage.send(...link.leave(valdis, after).slice(1));
    },
  },
  {
    id: '0282-replica-leave',
    section: '4.6',
    requirement: 'A user who leaves gets their unavailable presence, once; the primary is told, and the others see it.',
    *run(stage) {
      const link = primaryOf(stage);
      const [user, other] = [stage.theirs('BigCheese'), stage.theirs('Efchen')];
      yield* link.lets(user, 'BigCheese');
      yield* link.lets(other, 'Efchen');
      const occupant = stage.at(link.room, 'BigCheese');
      yield* stage.send(presence(user, occupant, { type: 'unavailable' }));
      yield* stage.expect(all(unavailable, link.relayed(user, stage.nick('BigCheese'))));
      const farewell = all(unavailable, from(occupant), to(user));
      yield* stage.expect(farewell, forUsers);
      yield* stage.expect(all(unavailable, from(occupant), to(other)), forUsers);
      yield* stage.never(farewell, 'one farewell');
    },
  },
  {
    id: '0282-replica-kick',
    section: '4.6',
    requirement: 'A kick by the primary reaches the user and the others, with the status 307, and the user is out.',
    *run(stage) {
      const link = primaryOf(stage);
      const [user, other] = [stage.theirs('BigCheese'), stage.theirs('Efchen')];
      yield* link.lets(user, 'BigCheese');
      yield* link.lets(other, 'Efchen');
      yield* stage.send(...link.leave(user, stage.nick('BigCheese'), { statuses: [307] }));
      const gone = all(unavailable, from(stage.at(link.room, 'BigCheese')));
      yield* stage.expect(all(gone, to(user)), status(307), forUsers);
      yield* stage.expect(all(gone, to(other)), status(307), forUsers);
      const text = stage.text('not for who was kicked');
      yield* stage.send(link.says(remoteNick, text));
      yield* stage.expect(all(to(other), says(text)));
      yield* stage.never(all(to(user), says(text)), 'nothing for a user who is out');
    },
  },
  {
    id: '0282-replica-refused',
    section: '4.5',
    requirement: 'A user whom the primary refuses is not in.',
    *run(stage) {
      const link = primaryOf(stage);
      const user = stage.theirs('BigCheese');
      const occupant = stage.at(link.room, 'BigCheese');
      yield* stage.asksIn(user, occupant);
      const join = yield* stage.expect(link.relayed(user, stage.nick('BigCheese')));
      yield* stage.send(presence(occupant, user, { id: join.id, type: 'error' }, writeErrorOf()));
      const text = stage.text('for those who are in');
      yield* stage.send(link.says(remoteNick, text));
      const shown = all(fromRoom(link.room), to(user), not('but for the refusal', isError));
      yield* stage.never(shown, 'nothing of the room for a user who was refused');
    },
  },
  {
    id: '0282-replica-client-payload',
    section: '4.6',
    requirement: 'A dmuc element from a user takes nobody out.',
    *run(stage) {
      const link = primaryOf(stage);
      const [user, victim] = [stage.theirs('BigCheese'), stage.theirs('Efchen')];
      yield* link.lets(user, 'BigCheese');
      yield* link.lets(victim, 'Efchen');
      const forged = presence(
        user,
        stage.peer,
        { type: 'unavailable', id: stage.newId() },
        writeDmuc({ leave: victim }),
      );
      yield* stage.send(forged);
      yield* stage.never(all(unavailable, to(victim)), 'nobody leaves because of what a user says');
    },
  },
  {
    id: '0282-replica-ping',
    section: '4.10',
    requirement: 'A ping of the primary is answered.',
    *run(stage) {
      const link = primaryOf(stage);
      const ping = iq(link.room, stage.peer, { type: 'get', id: stage.newId() }, el('ping', NS.ping));
      yield* stage.send(ping);
      yield* stage.expect(answers(ping), isResult);
    },
  },
];

function writeErrorOf() {
  return el('error', NS.client, { type: 'auth' }, el('forbidden', NS.stanzas));
}

export const replica: Part = {
  protocol: '0282',
  role: 'replica',
  setUp: ({ peer, node, domain, users }) => [
    `Make ${peer} a replica of ${node}@${domain} (XEP-0282), for the users of ${users}.`,
    `The server of ${users} has to hand it what these users send to ${node}@${domain}.`,
    `Only then start the check: our room asks it by <offer/> to be created.`,
  ],
  reflex: startPrimary,
  restore(stage) {
    primaryOf(stage).answersRequests = true;
  },
  begin,
  // Who has asked to be created has it.
  knowsExtension: (stage) => primaryOf(stage).created !== undefined,
  checks: [...checks, ...extensionOfReplica, ...splitsOfReplica],
  reviews: [forUserReview('0282-replica-for-users', '4.9'), noAnswerToErrors('0282-replica-no-error-to-error', '4')],
};
