import { NS } from '../core/xmpp/namespaces.ts';
import { instant } from '../core/xmpp/time.ts';
import type { Check, Part } from './check.ts';
import { FmucLink } from './fmuc-link.ts';
import { fmucReviews } from './fmuc-reviews.ts';
import { accepted, asked, joinedRoom } from './fmuc-setup.ts';
import {
  all,
  available,
  either,
  fmucFrom,
  forUsers,
  from,
  groupchat,
  has,
  hasItem,
  isDelayed,
  isError,
  like,
  says,
  status,
  subjectIs,
  subjectOf,
  to,
  toAny,
} from './like.ts';
import { Failed, type Script } from './script.ts';
import { body, type Stage } from './stage.ts';
import { extensionOfJoining } from './xep0289-joining-extension.ts';
import { joiningAtLast } from './xep0289-joining-last.ts';
import { trafficOfJoining } from './xep0289-joining-traffic.ts';

const checks: readonly Check[] = [
  {
    id: '0289-joining-request',
    section: '5.1',
    requirement:
      'With its first user the node asks to join: one presence from the occupant there to the occupant here, with <fmuc from/>, the join of XEP-0045 and the item of muc#user.',
    *run(stage) {
      const hamlet = stage.theirs('Hamlet');
      const request = yield* asked(stage, hamlet, 'Hamlet');
      for (const must of [to(stage.at(stage.node, 'Hamlet')), fmucFrom(hamlet), has('x', NS.muc), hasItem])
        if (!must.fits(request)) throw new Failed(`the request to join, ${must.words}`, [request]);
      yield* accepted(stage, request, stage.ours('Alice'), hamlet);
      yield* stage.isIn(hamlet, stage.at(stage.peer, 'Hamlet'));
      yield* stage.never(all(toAny(stage.node), has('x', NS.muc)), 'one request');
    },
  },
  {
    id: '0289-joining-relayed',
    section: '5.1',
    requirement:
      'The occupants of the joined node are shown to the user who enters, with the item of muc#user, before their own presence, and without the payload of nodes.',
    *run(stage) {
      const [alice, hamlet] = [stage.ours('Alice'), stage.theirs('Hamlet')];
      yield* accepted(stage, yield* asked(stage, hamlet, 'Hamlet'), alice, hamlet);
      const there = all(available, from(stage.at(stage.peer, 'Alice')), to(hamlet));
      const self = all(available, from(stage.at(stage.peer, 'Hamlet')), to(hamlet), status(110));
      const first = yield* stage.expect(
        either(`the presence of ${stage.at(stage.peer, 'Alice')} for ${hamlet}`, there, self),
      );
      for (const must of [there, hasItem, forUsers]) if (!must.fits(first)) throw new Failed(must.words, [first]);
      yield* stage.isIn(hamlet, stage.at(stage.peer, 'Hamlet'));
    },
  },
  {
    id: '0289-joining-history',
    section: '5.1',
    requirement:
      'The history of the joined node is shown to the user who enters, from its authors and with a delay; the subject is the joined node’s.',
    *run(stage) {
      const [alice, hamlet] = [stage.ours('Alice'), stage.theirs('Hamlet')];
      const text = stage.text('an old message');
      const request = yield* asked(stage, hamlet, 'Hamlet');
      const minuteAgo = instant(stage.now - 60_000);
      yield* accepted(stage, request, alice, hamlet, (link) => [
        link.past(alice, stage.nick('Alice'), minuteAgo, body(text)),
      ]);
      const old = yield* stage.expect(all(groupchat, to(hamlet), says(text)));
      for (const must of [from(stage.at(stage.peer, 'Alice')), isDelayed, forUsers])
        if (!must.fits(old)) throw new Failed(`the message of the past, ${must.words}`, [old]);
      const subject = yield* stage.expect(
        all(
          groupchat,
          to(hamlet),
          like('a subject', (stanza) => subjectOf(stanza) !== undefined),
        ),
      );
      if (subjectOf(subject) !== 'conformance')
        throw new Failed('the subject of the joined node: “conformance”', [subject]);
      yield* stage.never(all(groupchat, to(hamlet), says(text)), 'the old message once');
    },
  },
  {
    id: '0289-joining-nothing-back',
    section: '5.1',
    requirement: 'The node MUST NOT send what it was told in the answer back to the joined node.',
    *run(stage) {
      const [alice, hamlet] = [stage.ours('Alice'), stage.theirs('Hamlet')];
      const text = stage.text('an old message');
      const request = yield* asked(stage, hamlet, 'Hamlet');
      const minuteAgo = instant(stage.now - 60_000);
      yield* accepted(stage, request, alice, hamlet, (link) => [
        link.past(alice, stage.nick('Alice'), minuteAgo, body(text)),
      ]);
      yield* stage.isIn(hamlet, stage.at(stage.peer, 'Hamlet'));
      const back = like('of the answer', (stanza) =>
        [says(text), subjectIs('conformance'), from(stage.at(stage.peer, 'Alice'))].some(({ fits }) => fits(stanza)),
      );
      yield* stage.never(all(toAny(stage.node), back), 'nothing of the answer on its way back');
    },
  },
  {
    id: '0289-joining-rejected',
    section: '5.1',
    requirement:
      'A node whose join is rejected sends no traffic: its users are alone, or are told why they are not in.',
    *run(stage) {
      const hamlet = stage.theirs('Hamlet');
      const link = (yield* rejects(stage, hamlet)).link;
      const answer = yield* stage.expectWithin(
        stage.setting.patienceMs,
        all(
          like(`an end of the join of ${hamlet}`, (stanza) => stanza.name === 'presence' && stanza.to === hamlet),
          either('by presence of their own or an error', status(110), isError),
        ),
      );
      if (isError.fits(answer)) return;
      yield* stage.says(hamlet, stage.peer, stage.text('alone'));
      yield* stage.never(all(link.fromPeer, groupchat), 'no message to a node that has rejected the join');
    },
  },
];

/** Somebody enters the room under test, and its join is rejected. */
function* rejects(stage: Stage, hamlet: Parameters<typeof asked>[1]): Script<{ readonly link: FmucLink }> {
  const link = FmucLink.of(stage, yield* asked(stage, hamlet, 'Hamlet'));
  yield* stage.send(link.word('reject', 'No cross-domain federation.'));
  return { link };
}

export const joiningNode: Part = {
  protocol: '0289',
  role: 'joining',
  setUp: ({ peer, node, domain, users, mode }) => [
    `Make the room ${peer}. Everybody may enter it, nobody is in it, and everybody in it may change the subject. It shows real addresses to everybody.`,
    `The room federates by XEP-0289 in ${mode} mode, and joins ${node}@${domain}.`,
    `It believes ${node}@${domain} about users of ${domain}.`,
    `Make owner@${users} an owner of the room.`,
  ],
  reflex: joinedRoom,
  checks: [...checks, ...trafficOfJoining, ...extensionOfJoining, ...joiningAtLast],
  reviews: fmucReviews('joining'),
};
