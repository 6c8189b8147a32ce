/** The same role, and what our extension adds to it: decisions #60, #61, #86, #181. */
import { readLinkPlace, writeLinkPlace, writeResync } from '../core/xep/fmuc-sync.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { bodyOf, iq, payloadOf } from '../core/xmpp/stanza.ts';
import { instant } from '../core/xmpp/time.ts';
import { childOf, el } from '../core/xmpp/xml.ts';
import type { Check } from './check.ts';
import { FmucLink, isLeft } from './fmuc-link.ts';
import { joined, saysThere } from './fmuc-setup.ts';
import { all, answers, groupchat, hasInside, isError, like, says, to } from './like.ts';
import { Failed } from './script.ts';

const needs = ['extension'] as const;

export const extensionOfJoined: readonly Check[] = [
  {
    id: '0289-joined-places',
    section: 'decision 60',
    requirement:
      'Everything that the node sends over a link has the next place of its direction, from 1 on, in the session of the join.',
    needs,
    *run(stage) {
      const { link, alice } = yield* joined(stage);
      for (const text of [stage.text('one'), stage.text('two')]) {
        yield* saysThere(stage, alice, 'Alice', text);
        yield* stage.expect(all(groupchat, link.fromPeer, says(text)));
      }
      const places = link.places().filter((n) => n > 0);
      const wanted = places.map((_, i) => i + 1);
      if (places.length < 4 || places.join() !== wanted.join())
        throw new Failed(`places that count from 1 without a gap; they were ${places.join(', ') || 'absent'}`, []);
    },
  },
  {
    id: '0289-joined-counted',
    section: 'decision 60',
    requirement:
      'The answer to a ping says how far the node has counted what it sent, and what it sends how much has arrived.',
    needs,
    *run(stage) {
      const { link, alice, hamlet } = yield* joined(stage);
      const heard = stage.text('heard');
      yield* stage.send(link.says(hamlet, stage.nick('Hamlet'), heard));
      yield* stage.expect(all(groupchat, to(alice), says(heard)));
      const text = stage.text('and answered');
      yield* saysThere(stage, alice, 'Alice', text);
      const arrived = like(`with h='${link.n}' at its place`, ({ payloads }) => {
        const fmuc = payloads.find(({ name, xmlns }) => name === 'fmuc' && xmlns === NS.fmuc);
        return readLinkPlace(fmuc)?.h === link.n;
      });
      yield* stage.expect(all(groupchat, link.fromPeer, says(text)), arrived);
      const place = writeLinkPlace({ session: link.session, n: link.n });
      const ping = iq(link.node, stage.peer, { type: 'get', id: stage.newId() }, el('ping', NS.ping, {}, place));
      yield* stage.send(ping);
      const answer = yield* stage.expect(answers(ping));
      const said = payloadOf(answer, 's', NS.ext)?.attrs;
      if (said?.['e'] !== link.session || said['n'] !== String(link.heard))
        throw new Failed(`a result with <s e='${link.session}' n='${link.heard}'/>`, [answer]);
    },
  },
  {
    id: '0289-joined-repeated',
    section: 'decision 60',
    requirement: 'What comes again at a place that has passed is dropped.',
    needs,
    *run(stage) {
      const { link, alice, hamlet } = yield* joined(stage);
      const text = stage.text('once');
      const said = link.says(hamlet, stage.nick('Hamlet'), text);
      yield* stage.send(said, said);
      yield* stage.expect(all(groupchat, to(alice), says(text)));
      yield* stage.never(all(groupchat, to(alice), says(text)), 'one copy, though the place came twice');
    },
  },
  {
    id: '0289-joined-gap',
    section: 'decision 61',
    requirement:
      'On a gap in what it was sent, the node gives up the link: it says <left/>, and shows nothing of what came behind the gap.',
    needs,
    *run(stage) {
      const { link, alice, hamlet } = yield* joined(stage);
      link.n++;
      const text = stage.text('behind the gap');
      yield* stage.send(link.says(hamlet, stage.nick('Hamlet'), text));
      yield* stage.expect(all(link.fromPeer, isLeft));
      yield* stage.never(all(groupchat, to(alice), says(text)), 'nothing of what came behind a gap');
    },
  },
  {
    id: '0289-joined-conflict',
    section: 'decision 86',
    requirement:
      'A collision of nicks is told by an error of type presence, with <conflict/> in <fmuc from/> of the user who is refused.',
    needs,
    *run(stage) {
      const { link } = yield* joined(stage);
      const other = stage.ours('Other');
      stage.leavesAfter(() => link.leave(other, stage.nick('Alice')));
      yield* stage.send(link.presence(other, stage.nick('Alice')));
      const conflict = hasInside(['fmuc', NS.fmuc], 'conflict', NS.ext, 'with <conflict/> in <fmuc/>');
      const named = like(`of ${other}`, (stanza) => payloadOf(stanza, 'fmuc', NS.fmuc)?.attrs['from'] === other);
      yield* stage.expect(all(link.fromPeer, isError), conflict, named);
    },
  },
  {
    id: '0289-joined-resync',
    section: 'decision 181',
    requirement: 'After a loss a join names what it has, and the answer has what was missed and nothing else.',
    needs,
    *run(stage) {
      const { link, alice, hamlet } = yield* joined(stage);
      const [known, missed] = [stage.text('known'), stage.text('missed')];
      yield* saysThere(stage, alice, 'Alice', known);
      const live = yield* stage.expect(all(groupchat, link.fromPeer, says(known)));
      const id = live.payloads.find(({ name, xmlns }) => name === 'stanza-id' && xmlns === NS.sid)?.attrs['id'];
      if (id === undefined) throw new Failed('a message with the id that the room gave it (XEP-0359)', [live]);
      yield* stage.send(link.leave(hamlet, stage.nick('Hamlet')));
      yield* stage.expect(all(link.fromPeer, isLeft));
      yield* saysThere(stage, alice, 'Alice', missed);
      const now = instant(stage.now);
      const since = instant(now - sinceMs);
      const resync = writeResync({ since, now, maxstanzas: 100, have: [{ by: stage.peer, id }] });
      const again = new FmucLink(stage);
      const join = { history: { maxstanzas: 100, since } };
      const { history } = yield* again.joins(hamlet, stage.nick('Hamlet'), join, resync);
      const texts = history.map(bodyOf);
      if (!texts.includes(missed)) throw new Failed(`“${missed}”, which was missed, in the answer`, history);
      if (texts.includes(known)) throw new Failed(`no “${known}”, which the join names as known`, history);
      const asks = stage.exchanged.some(
        ({ sent, stanza }) =>
          !sent &&
          again.fromPeer.fits(stanza) &&
          childOf(payloadOf(stanza, 'fmuc', NS.fmuc) ?? el('x', ''), 'resync', NS.ext),
      );
      if (!asks && stage.setting.mode === 'primary-primary')
        throw new Failed('<resync/> in the answer: the node asks for what it missed, too', history);
    },
  },
];

/** As far back as a join asks after a loss: more than clocks differ. */
const sinceMs = 120_000;
