import type { Check } from './check.ts';
import { asked, joining, saysThere } from './fmuc-setup.ts';
import { all, from, status, to, toAny, unavailable } from './like.ts';
import { Failed, NotOffered } from './script.ts';
import type { Stage } from './stage.ts';

export const joiningAtLast: readonly Check[] = [
  {
    id: '0289-joining-kick-in',
    section: '5.5',
    requirement: 'A node that is told of a kick of one of its users should kick them.',
    *run(stage) {
      const { link, hamlet } = yield* joining(stage);
      yield* stage.send(link.leave(hamlet, stage.nick('Hamlet'), { statuses: [307] }));
      const kicked = yield* stage.maybe(
        all(unavailable, from(stage.at(stage.peer, 'Hamlet')), to(hamlet)),
        stage.setting.quietMs,
      );
      if (kicked === undefined) throw new NotOffered('the room does not obey the moderators of other nodes');
      if (!status(307).fits(kicked)) throw new Failed('the kick, with the status 307', [kicked]);
    },
  },
  {
    id: '0289-joining-unreachable',
    section: '2',
    mode: 'primary-primary',
    requirement: 'If the joined node cannot be reached, the conversation goes on at this one.',
    *run(stage) {
      const hamlet = stage.theirs('Hamlet');
      stage.bounces(stage.node);
      yield* stage.asksIn(hamlet, stage.at(stage.peer, 'Hamlet'));
      yield* stage.isIn(hamlet, stage.at(stage.peer, 'Hamlet'), longMs(stage));
      const text = stage.text('alone here');
      yield* saysThere(stage, hamlet, 'Hamlet', text);
    },
  },
  {
    id: '0289-joining-silence',
    section: '2',
    mode: 'primary-primary',
    requirement: 'If the joined node does not answer, the conversation goes on at this one.',
    *run(stage) {
      const hamlet = stage.theirs('Hamlet');
      yield* asked(stage, hamlet, 'Hamlet');
      stage.habits.push((stanza) => (toAny(stage.node).fits(stanza) ? [] : undefined));
      yield* stage.isIn(hamlet, stage.at(stage.peer, 'Hamlet'), longMs(stage));
    },
  },
];
/** How long a user may wait for a node that does not answer: a person's patience, not a peer's. */
function longMs({ setting }: Stage): number {
  return Math.max(30_000, setting.timeoutMs);
}
