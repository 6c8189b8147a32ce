/** The same role, and what our extension adds to it: decisions #60, #61, #87, #181. */
import { readLinkPlace, readResync } from '../core/xep/fmuc-sync.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { payloadOf, type Stanza } from '../core/xmpp/stanza.ts';
import type { Check } from './check.ts';
import { FmucLink } from './fmuc-link.ts';
import { accepted, asked, joining } from './fmuc-setup.ts';
import { all, available, errorWith, groupchat, has, like, says, to, toAny } from './like.ts';
import { Failed } from './script.ts';

const needs = ['extension'] as const;

export const extensionOfJoining: readonly Check[] = [
  {
    id: '0289-joining-places',
    section: 'decision 60',
    requirement:
      'A join begins a session, and everything that the node sends over the link has the next place, from 1 on.',
    needs,
    *run(stage) {
      const { link, hamlet } = yield* joining(stage);
      for (const text of [stage.text('one'), stage.text('two')]) {
        yield* stage.says(hamlet, stage.peer, text);
        yield* stage.expect(all(groupchat, link.fromPeer, says(text)));
      }
      const places = link.places();
      if (places.join() !== places.map((_, i) => i + 1).join() || places.length < 3)
        throw new Failed(`places that count from 1 without a gap; they were ${places.join(', ') || 'absent'}`, []);
    },
  },
  {
    id: '0289-joining-sessions',
    section: 'decision 60',
    requirement: 'Each join is a link of its own, in a new session.',
    needs,
    *run(stage) {
      const { link, hamlet } = yield* joining(stage);
      yield* stage.send(link.word('left'));
      const again = yield* stage.expectWithin(
        stage.setting.patienceMs,
        all(available, link.fromPeer, has('x', NS.muc)),
        like('in another session', (stanza) => sessionOf(stanza) !== undefined && sessionOf(stanza) !== link.session),
      );
      yield* accepted(stage, again, stage.ours('Alice'), hamlet);
    },
  },
  {
    id: '0289-joining-gap',
    section: 'decision 61',
    requirement:
      'On a gap in what it was sent, the node joins again at once, and shows nothing of what came behind the gap.',
    needs,
    *run(stage) {
      const { link, hamlet, alice } = yield* joining(stage);
      link.n++;
      const text = stage.text('behind the gap');
      yield* stage.send(link.says(alice, stage.nick('Alice'), text));
      const again = yield* stage.expect(all(available, toAny(stage.node), has('x', NS.muc)));
      yield* stage.never(all(groupchat, to(hamlet), says(text)), 'nothing of what came behind a gap');
      yield* accepted(stage, again, alice, hamlet);
    },
  },
  {
    id: '0289-joining-resync',
    section: 'decision 181',
    requirement: 'A join after a loss says since when something was missed, and names what the node has of that time.',
    needs,
    mode: 'primary-primary',
    *run(stage) {
      const { link, hamlet } = yield* joining(stage);
      const text = stage.text('known');
      yield* stage.says(hamlet, stage.peer, text);
      const said = yield* stage.expect(all(groupchat, link.fromPeer, says(text)));
      const id = said.payloads.find(({ name, xmlns }) => name === 'stanza-id' && xmlns === NS.sid)?.attrs['id'];
      yield* stage.send(link.word('left'));
      const again = yield* stage.expectWithin(
        stage.setting.patienceMs,
        all(available, link.fromPeer, has('x', NS.muc)),
      );
      const resync = readResync(again.payloads);
      if (resync === undefined) throw new Failed('a join with <resync/> in <fmuc/>', [again]);
      if (id === undefined || !resync.have.some(({ by, id: known }) => by === stage.peer && known === id))
        throw new Failed(`a join with <have by='${stage.peer}' id='${id}'/>: the message was said`, [again]);
      yield* accepted(stage, again, stage.ours('Alice'), hamlet);
    },
  },
  {
    id: '0289-joining-conflict',
    section: 'decision 86',
    requirement: 'A user whose nick is somebody else’s at the joined node is out of the room, with a conflict.',
    needs,
    *run(stage) {
      const hamlet = stage.theirs('Hamlet');
      const request = yield* asked(stage, hamlet, 'Hamlet');
      yield* stage.send(FmucLink.of(stage, request).conflict(hamlet, stage.nick('Hamlet')));
      yield* stage.expect(
        all(
          like('a presence of type error', ({ name, type }) => name === 'presence' && type === 'error'),
          to(hamlet),
        ),
        errorWith('conflict'),
      );
    },
  },
];

function sessionOf(stanza: Stanza): string | undefined {
  return readLinkPlace(payloadOf(stanza, 'fmuc', NS.fmuc))?.session;
}
