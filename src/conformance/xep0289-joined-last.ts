import type { Check } from './check.ts';
import { joined } from './fmuc-setup.ts';
import { all, available, fmucFrom, from, isResult, status, to, unavailable } from './like.ts';
import { Failed, NotOffered } from './script.ts';
import { adminItem } from './stage.ts';

export const joinedAtLast: readonly Check[] = [
  {
    id: '0289-joined-kick-in',
    section: '5.5',
    requirement: 'A node that is told of a kick of one of its users should kick them.',
    *run(stage) {
      const { link, alice } = yield* joined(stage);
      yield* stage.send(link.leave(alice, stage.nick('Alice'), { statuses: [307] }));
      const kicked = yield* stage.maybe(
        all(unavailable, from(stage.at(stage.peer, 'Alice')), to(alice)),
        stage.setting.quietMs,
      );
      if (kicked === undefined) throw new NotOffered('the room does not obey the moderators of other nodes');
      if (!status(307).fits(kicked)) throw new Failed('the kick, with the status 307', [kicked]);
    },
  },
  {
    id: '0289-joined-kick-out',
    section: '5.5',
    requirement: 'If a moderator takes a user of the joining node out, the notice to that node is about this user.',
    *run(stage) {
      const { owner } = stage;
      yield* stage.enters(owner, stage.at(stage.peer, 'Owner'));
      const { link, alice } = yield* joined(stage);
      const ophelia = stage.ours('Ophelia');
      stage.leavesAfter(() => link.leave(ophelia, stage.nick('Ophelia')));
      yield* stage.send(link.presence(ophelia, stage.nick('Ophelia')));
      yield* stage.expect(all(available, from(stage.at(stage.peer, 'Ophelia')), to(alice)));
      const kick = adminItem({ nick: stage.nick('Ophelia'), role: 'none' });
      const answer = yield* stage.ask(stage.peer, owner, 'set', kick);
      if (!isResult.fits(answer)) throw new NotOffered(`${owner} may not kick`);
      yield* stage.expect(all(unavailable, from(stage.at(stage.peer, 'Ophelia')), to(alice)), status(307));
      const notice = yield* stage.maybe(all(unavailable, link.fromPeer, status(307)), stage.setting.quietMs);
      if (notice === undefined) throw new NotOffered('the joining node is not told of a kick');
      for (const must of [from(stage.at(stage.peer, 'Ophelia')), fmucFrom(ophelia)])
        if (!must.fits(notice)) throw new Failed(`the notice of a kick, ${must.words}`, [notice]);
    },
  },
];
