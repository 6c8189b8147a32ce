import { jid } from '../core/xmpp/jid.ts';
import type { Check, Part } from './check.ts';
import { FmucLink, isReject, toNode } from './fmuc-link.ts';
import { fmucReviews } from './fmuc-reviews.ts';
import { changesSubject, saysThere } from './fmuc-setup.ts';
import {
  all,
  available,
  fmucFrom,
  forUsers,
  from,
  hasFmuc,
  hasItem,
  isDelayed,
  isError,
  like,
  says,
  subjectOf,
  to,
} from './like.ts';
import { Failed, NotOffered } from './script.ts';
import { extensionOfJoined } from './xep0289-joined-extension.ts';
import { joinedAtLast } from './xep0289-joined-last.ts';
import { trafficOfJoined } from './xep0289-joined-traffic.ts';

const checks: readonly Check[] = [
  {
    id: '0289-joined-join',
    section: '5.1',
    requirement:
      'A node that joins is told of each occupant in a presence from the occupant to its bare address, with <fmuc from/> and the item of muc#user.',
    *run(stage) {
      const alice = stage.theirs('Alice');
      yield* stage.enters(alice, stage.at(stage.peer, 'Alice'));
      const link = new FmucLink(stage);
      const { occupants } = yield* link.joins(stage.ours('Hamlet'), stage.nick('Hamlet'));
      const about = occupants.filter(({ from: occupant }) => occupant === stage.at(stage.peer, 'Alice'));
      const [first] = about;
      if (first === undefined) throw new Failed(`the presence of ${stage.at(stage.peer, 'Alice')}`, occupants);
      if (about.length > 1) throw new Failed(`one presence of ${stage.at(stage.peer, 'Alice')}`, about);
      for (const must of [toNode(stage), fmucFrom(alice), hasItem])
        if (!must.fits(first)) throw new Failed(`the presence of an occupant, ${must.words}`, [first]);
    },
  },
  {
    id: '0289-joined-order',
    section: '5.1',
    requirement:
      'The answer to a join has the order of XEP-0045: occupants, then history, then the subject, with <fmuc from/> in each.',
    *run(stage) {
      const alice = stage.theirs('Alice');
      yield* stage.enters(alice, stage.at(stage.peer, 'Alice'));
      yield* saysThere(stage, alice, 'Alice', stage.text('of the past'));
      const link = new FmucLink(stage);
      const { occupants, history, subject } = yield* link.joins(stage.ours('Hamlet'), stage.nick('Hamlet'));
      const all = [...occupants, ...history, subject];
      for (const stanza of all)
        if (!hasFmuc.fits(stanza)) throw new Failed(`each stanza of the answer ${hasFmuc.words}`, [stanza]);
      const said = stage.exchanged
        .filter(({ sent, stanza }) => !sent && all.includes(stanza))
        .map(({ stanza }) => stanza);
      const late = said
        .slice(said.findIndex(({ name }) => name === 'message'))
        .filter(({ name }) => name === 'presence');
      if (late.length > 0) throw new Failed('no presence of an occupant after the history', late);
    },
  },
  {
    id: '0289-joined-history',
    section: '5.1',
    requirement:
      'The history in the answer has what was said before, once, from its author, with <fmuc from/> and a delay.',
    *run(stage) {
      const alice = stage.theirs('Alice');
      yield* stage.enters(alice, stage.at(stage.peer, 'Alice'));
      const text = stage.text('This is an old message');
      yield* saysThere(stage, alice, 'Alice', text);
      const link = new FmucLink(stage);
      const { history } = yield* link.joins(stage.ours('Hamlet'), stage.nick('Hamlet'));
      const old = history.filter((stanza) => says(text).fits(stanza));
      const [first] = old;
      if (first === undefined) throw new Failed(`the message “${text}” in the history`, history);
      if (old.length > 1) throw new Failed(`the message “${text}” once`, old);
      for (const must of [from(stage.at(stage.peer, 'Alice')), fmucFrom(alice), isDelayed])
        if (!must.fits(first)) throw new Failed(`the message “${text}” in the history, ${must.words}`, [first]);
    },
  },
  {
    id: '0289-joined-history-limit',
    section: '5.1',
    requirement: 'A joining node may limit the history, as in XEP-0045: with maxstanzas 0 there is none.',
    *run(stage) {
      const alice = stage.theirs('Alice');
      yield* stage.enters(alice, stage.at(stage.peer, 'Alice'));
      yield* saysThere(stage, alice, 'Alice', stage.text('not asked for'));
      const link = new FmucLink(stage);
      const join = { history: { maxstanzas: 0 } };
      const { history } = yield* link.joins(stage.ours('Hamlet'), stage.nick('Hamlet'), join);
      if (history.length > 0) throw new Failed('no history, since none was asked for', history);
    },
  },
  {
    id: '0289-joined-subject',
    section: '5.1',
    requirement: 'The current subject is the end of the answer to a join.',
    *run(stage) {
      const { owner } = stage;
      yield* stage.enters(owner, stage.at(stage.peer, 'Owner'));
      const text = stage.text('topic');
      yield* changesSubject(stage, owner, text);
      const link = new FmucLink(stage);
      const { subject } = yield* link.joins(stage.ours('Hamlet'), stage.nick('Hamlet'));
      if (subjectOf(subject) !== text) throw new Failed(`the subject “${text}” at the end of the answer`, [subject]);
    },
  },
  {
    id: '0289-joined-shown',
    section: '5.1',
    requirement:
      'The user in whose name a node joins is shown to the local users, with the item of muc#user and without the payload of nodes.',
    *run(stage) {
      const alice = stage.theirs('Alice');
      yield* stage.enters(alice, stage.at(stage.peer, 'Alice'));
      const link = new FmucLink(stage);
      yield* stage.send(link.request(stage.ours('Hamlet'), stage.nick('Hamlet')));
      stage.leavesAfter(() => link.leave(stage.ours('Hamlet'), stage.nick('Hamlet')));
      const hamlet = all(available, from(stage.at(stage.peer, 'Hamlet')), to(alice));
      yield* stage.expect(hamlet, hasItem, forUsers);
      yield* stage.never(hamlet, `one presence of ${stage.at(stage.peer, 'Hamlet')}`);
    },
  },
  {
    id: '0289-joined-reject',
    section: '5.1',
    requirement:
      'A node that may not federate is told so by a presence from the bare address of the room to its bare address, with <reject/>.',
    *run(stage) {
      const stranger = jid(`stranger-${stage.setting.run}@${stage.setting.domain}`);
      const link = new FmucLink(stage, stage.newId(), stranger);
      const user = stage.ours('Hamlet');
      stage.leavesAfter(() => link.leave(user, stage.nick('Hamlet')));
      yield* stage.send(link.request(user, stage.nick('Hamlet')));
      const answer = yield* stage.expect(
        like(
          `an answer to the join of ${stranger}`,
          (stanza) => link.fromPeer.fits(stanza) && stanza.name === 'presence',
        ),
      );
      if (!isReject.fits(answer) && !isError.fits(answer))
        throw new NotOffered(`the room federates with ${stranger}, which the tester has not let in`);
      for (const must of [isReject, from(stage.peer), to(stranger)])
        if (!must.fits(answer)) throw new Failed(`the answer to a node that may not join, ${must.words}`, [answer]);
    },
  },
];

function setUp(stage: Parameters<Part['setUp']>[0]): readonly string[] {
  const { peer, node, domain, users, mode } = stage;
  return [
    `Make the room ${peer}. Everybody may enter it, and it shows real addresses to everybody.`,
    `The room federates by XEP-0289 in ${mode} mode, and lets ${node}@${domain} join it, and no other room of ${domain}.`,
    `It believes ${node}@${domain} about users of ${domain}.`,
    `Make owner@${users} an owner of the room.`,
  ];
}

export const joinedNode: Part = {
  protocol: '0289',
  role: 'joined',
  setUp,
  checks: [...checks, ...trafficOfJoined, ...extensionOfJoined, ...joinedAtLast],
  reviews: fmucReviews('joined'),
};
