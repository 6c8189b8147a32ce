/** The same role: what goes over the link once our node has joined. */
import { readMucUser } from '../core/xep/xep0045.ts';
import { jid, occupantJid, resourceOf } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { message, presence } from '../core/xmpp/stanza.ts';
import { el } from '../core/xmpp/xml.ts';
import type { Check } from './check.ts';
import { FmucLink, isLeft, isReject, told, toNode } from './fmuc-link.ts';
import { away, changesSubject, joined, saysThere } from './fmuc-setup.ts';
import {
  all,
  available,
  either,
  errorWith,
  fmucFrom,
  forUsers,
  from,
  fromRoom,
  groupchat,
  hasItem,
  isError,
  like,
  privately,
  says,
  shows,
  status,
  subjectIs,
  to,
  toAny,
  unavailable,
} from './like.ts';
import { Failed, NotOffered } from './script.ts';

export const trafficOfJoined: readonly Check[] = [
  {
    id: '0289-joined-message-in',
    section: '5.2',
    requirement:
      'A message of the joining node is shown to each local user, once, from the occupant and without the payload of nodes.',
    *run(stage) {
      const { link, alice, hamlet } = yield* joined(stage);
      const text = stage.text('Hi Alice');
      yield* stage.send(link.says(hamlet, stage.nick('Hamlet'), text));
      const said = all(groupchat, to(alice), says(text));
      yield* stage.expect(said, from(stage.at(stage.peer, 'Hamlet')), forUsers);
      yield* stage.never(said, `the message “${text}” once`);
    },
  },
  {
    id: '0289-joined-no-echo',
    section: '5.2',
    mode: 'primary-primary',
    requirement: 'In primary-primary mode nothing goes back to the node that it came from.',
    *run(stage) {
      const { link, hamlet } = yield* joined(stage);
      const text = stage.text('no echo');
      yield* stage.send(link.says(hamlet, stage.nick('Hamlet'), text));
      yield* stage.never(all(groupchat, link.fromPeer, says(text)), `no copy of “${text}” for the node that sent it`);
    },
  },
  {
    id: '0289-joined-echo',
    section: '8',
    mode: 'primary-replica',
    requirement:
      'In primary-replica mode the primary sends a message back to the node that it came from, with the same child elements.',
    *run(stage) {
      const { link, hamlet } = yield* joined(stage);
      const text = stage.text('an echo');
      yield* stage.send(link.says(hamlet, stage.nick('Hamlet'), text));
      const echo = all(groupchat, link.fromPeer, says(text));
      yield* stage.expect(echo, from(stage.at(stage.peer, 'Hamlet')), fmucFrom(hamlet));
      yield* stage.never(echo, `one echo of “${text}”`);
    },
  },
  {
    id: '0289-joined-message-out',
    section: '5.2',
    requirement:
      'A message of a local user goes to the joining node once, from the occupant to its bare address, with <fmuc from/> of its author.',
    *run(stage) {
      const { link, alice } = yield* joined(stage);
      const text = stage.text('Hi Hamlet');
      yield* saysThere(stage, alice, 'Alice', text);
      const said = all(groupchat, link.fromPeer, says(text));
      yield* stage.expect(said, from(stage.at(stage.peer, 'Alice')), toNode(stage), fmucFrom(alice));
      yield* stage.never(said, `one copy of “${text}” on the link`);
    },
  },
  {
    id: '0289-joined-subject-out',
    section: '5.2',
    requirement: 'A new subject goes to the joining node, from whoever set it.',
    *run(stage) {
      const { owner } = stage;
      yield* stage.enters(owner, stage.at(stage.peer, 'Owner'));
      const { link } = yield* joined(stage);
      const text = stage.text('Tea');
      yield* changesSubject(stage, owner, text);
      yield* stage.expect(
        all(groupchat, link.fromPeer, subjectIs(text)),
        from(stage.at(stage.peer, 'Owner')),
        fmucFrom(owner),
      );
    },
  },
  {
    id: '0289-joined-enter-out',
    section: '5.3',
    requirement:
      'A further local user is announced to the joining node, once, with <fmuc from/> and the item of muc#user.',
    *run(stage) {
      yield* joined(stage);
      const bob = stage.theirs('Bob');
      yield* stage.enters(bob, stage.at(stage.peer, 'Bob'));
      const entered = told(stage, available, stage.at(stage.peer, 'Bob'));
      yield* stage.expect(entered, fmucFrom(bob), hasItem);
      yield* stage.never(entered, `one presence of ${stage.at(stage.peer, 'Bob')}`);
    },
  },
  {
    id: '0289-joined-enter-in',
    section: '5.3',
    requirement: 'A further user of the joining node is shown to the local users, and not announced back.',
    *run(stage) {
      const { link, alice } = yield* joined(stage);
      const ophelia = stage.ours('Ophelia');
      stage.leavesAfter(() => link.leave(ophelia, stage.nick('Ophelia')));
      yield* stage.send(link.presence(ophelia, stage.nick('Ophelia')));
      yield* stage.expect(all(available, from(stage.at(stage.peer, 'Ophelia')), to(alice)), hasItem, forUsers);
      if (stage.setting.mode === 'primary-primary')
        yield* stage.never(told(stage, available, stage.at(stage.peer, 'Ophelia')), 'no presence of our own user back');
    },
  },
  {
    id: '0289-joined-presence',
    section: '5.3',
    requirement: 'What a user shows of themselves is told in both directions.',
    *run(stage) {
      const { link, alice, hamlet } = yield* joined(stage);
      yield* stage.send(away(stage, alice, 'Alice', 'tea'));
      yield* stage.expect(all(told(stage, available, stage.at(stage.peer, 'Alice')), shows('away')), fmucFrom(alice));
      yield* stage.send(link.presence(hamlet, stage.nick('Hamlet'), {}, el('show', NS.client, {}, 'dnd')));
      yield* stage.expect(all(available, from(stage.at(stage.peer, 'Hamlet')), to(alice), shows('dnd')), forUsers);
    },
  },
  {
    id: '0289-joined-nick',
    section: '5.3',
    requirement:
      'A change of nick is told in both directions: unavailable with 303 and the new nick, then presence under the new one.',
    *run(stage) {
      const { link, alice, hamlet } = yield* joined(stage);
      const [before, after] = [stage.at(stage.peer, 'Alice'), stage.at(stage.peer, 'Alicia')];
      stage.leavesAfter(() => presence(alice, after, { type: 'unavailable' }));
      yield* stage.send(presence(alice, after, {}));
      const renamed = like(
        'the new nick in its item',
        ({ payloads }) => readMucUser(payloads)?.nick === resourceOf(after),
      );
      yield* stage.expect(told(stage, unavailable, before), status(303), renamed, fmucFrom(alice));
      yield* stage.expect(told(stage, available, after), fmucFrom(alice));
      const [nick, other] = [stage.nick('Hamlet'), stage.nick('Yorick')];
      stage.leavesAfter(() => link.leave(hamlet, other));
      yield* stage.send(link.renames(hamlet, nick, other), link.presence(hamlet, other));
      yield* stage.expect(all(unavailable, from(occupantJid(stage.peer, nick)), to(alice)), status(303), forUsers);
      yield* stage.expect(all(available, from(occupantJid(stage.peer, other)), to(alice)), forUsers);
    },
  },
  {
    id: '0289-joined-leave-out',
    section: '5.4',
    requirement: 'A local user who leaves is reported to the joining node, with <fmuc from/>.',
    *run(stage) {
      const { alice } = yield* joined(stage);
      yield* stage.send(presence(alice, stage.at(stage.peer, 'Alice'), { type: 'unavailable' }));
      const left = told(stage, unavailable, stage.at(stage.peer, 'Alice'));
      yield* stage.expect(left, fmucFrom(alice));
      yield* stage.never(left, 'one leave');
    },
  },
  {
    id: '0289-joined-leave-in',
    section: '5.4',
    requirement: 'A user of the joining node who leaves is shown as gone to the local users.',
    *run(stage) {
      const { link, alice, hamlet } = yield* joined(stage);
      yield* stage.send(link.leave(hamlet, stage.nick('Hamlet')));
      const gone = all(unavailable, from(stage.at(stage.peer, 'Hamlet')), to(alice));
      yield* stage.expect(gone, forUsers);
      yield* stage.never(gone, 'one leave');
    },
  },
  {
    id: '0289-joined-left',
    section: '5.4',
    requirement:
      'When the last user of the joining node has left, the room confirms it with <left/>, bare address to bare address.',
    *run(stage) {
      const { link, hamlet } = yield* joined(stage);
      yield* stage.send(link.leave(hamlet, stage.nick('Hamlet')));
      yield* stage.expect(all(link.fromPeer, isLeft), from(stage.peer), to(stage.node), available);
    },
  },
  {
    id: '0289-joined-after-left',
    section: '5.4',
    requirement: 'A node that has left the set is told nothing more, until it joins again.',
    *run(stage) {
      const { link, alice, hamlet } = yield* joined(stage);
      yield* stage.send(link.leave(hamlet, stage.nick('Hamlet')));
      yield* stage.expect(all(link.fromPeer, isLeft));
      const text = stage.text('after');
      yield* saysThere(stage, alice, 'Alice', text);
      yield* stage.never(all(toAny(stage.node), says(text)), 'nothing for a node that has left');
      const again = new FmucLink(stage);
      const { occupants } = yield* again.joins(hamlet, stage.nick('Hamlet'));
      const there = occupants.some(({ from: occupant }) => occupant === stage.at(stage.peer, 'Alice'));
      if (!there) throw new Failed(`${stage.at(stage.peer, 'Alice')} in the answer to another join`, occupants);
    },
  },
  {
    id: '0289-joined-private-in',
    section: '5.6',
    requirement: 'A private message of the joining node is for its addressee alone.',
    *run(stage) {
      const { link, alice, hamlet } = yield* joined(stage);
      const bob = stage.theirs('Bob');
      yield* stage.enters(bob, stage.at(stage.peer, 'Bob'));
      const text = stage.text('in private');
      yield* stage.send(link.tells(hamlet, stage.nick('Hamlet'), stage.nick('Alice'), text));
      const others = like('read by somebody else', (stanza) => says(text).fits(stanza) && stanza.to !== alice);
      const answer = yield* stage.expect(
        either(
          `the private message for ${alice}, or a refusal`,
          all(fromRoom(stage.peer), to(alice), says(text)),
          all(link.fromPeer, isError),
        ),
      );
      yield* stage.never(others, 'a private message for its addressee alone');
      if (isError.fits(answer)) throw new NotOffered('the room refuses private messages from another node');
      for (const must of [privately, from(stage.at(stage.peer, 'Hamlet')), forUsers])
        if (!must.fits(answer)) throw new Failed(`the private message, ${must.words}`, [answer]);
    },
  },
  {
    id: '0289-joined-private-out',
    section: '5.6',
    requirement: 'A private message of a local user reaches a user of the joining node, and nobody else.',
    *run(stage) {
      const { link, alice, hamlet } = yield* joined(stage);
      const text = stage.text('in private');
      yield* stage.send(
        message(
          alice,
          stage.at(stage.peer, 'Hamlet'),
          { type: 'chat', id: stage.newId() },
          el('body', NS.client, {}, text),
        ),
      );
      const byNode = all(privately, link.fromPeer, says(text));
      const itself = all(privately, fromRoom(stage.peer), to(hamlet), says(text));
      const answer = yield* stage.expect(
        either(`the private message for our node, or a refusal`, byNode, itself, all(errorWith(), to(alice))),
      );
      if (isError.fits(answer)) throw new NotOffered('the room refuses private messages to users of another node');
      // A node may send it to the address that everybody in the room sees: then it is for a user.
      const musts =
        answer.to === hamlet
          ? [from(stage.at(stage.peer, 'Alice')), forUsers]
          : [from(stage.at(stage.peer, 'Alice')), fmucFrom(alice)];
      for (const must of musts)
        if (!must.fits(answer)) throw new Failed(`the private message, ${must.words}`, [answer]);
      yield* stage.never(says(text), `the private message “${text}” once`);
    },
  },
  {
    id: '0289-joined-client-payload',
    section: '7',
    requirement: 'A payload of nodes in a message of a user goes to nobody.',
    *run(stage) {
      const { link, alice } = yield* joined(stage);
      const bob = stage.theirs('Bob');
      yield* stage.enters(bob, stage.at(stage.peer, 'Bob'));
      const text = stage.text('I am the hatter');
      yield* stage.says(alice, stage.peer, text, el('fmuc', NS.fmuc, { from: `hatter@${stage.setting.domain}/kit` }));
      yield* stage.expect(all(groupchat, to(bob), says(text)), from(stage.at(stage.peer, 'Alice')), forUsers);
      const only = like('with one <fmuc/>, which names its author', (stanza) => {
        const elements = stanza.payloads.filter(({ name, xmlns }) => name === 'fmuc' && xmlns === NS.fmuc);
        return elements.length === 1 && fmucFrom(alice).fits(stanza);
      });
      yield* stage.expect(all(groupchat, link.fromPeer, says(text)), only);
    },
  },
  {
    id: '0289-joined-forged',
    section: '7',
    requirement:
      'A node speaks for its own users: what it says in the name of a local user is shown to nobody as theirs.',
    *run(stage) {
      const { link, alice } = yield* joined(stage);
      const bob = stage.theirs('Bob');
      yield* stage.enters(bob, stage.at(stage.peer, 'Bob'));
      const text = stage.text('I resign');
      yield* stage.send(link.says(alice, stage.nick('Alice'), text));
      yield* stage.never(all(to(bob), says(text)), 'nothing in the name of a user who is in the room in person');
    },
  },
  {
    id: '0289-joined-stranger',
    section: '7',
    requirement: 'A node that has not joined says nothing in the room.',
    *run(stage) {
      const { alice } = yield* joined(stage);
      const stranger = new FmucLink(stage, stage.newId(), jid(`stranger-${stage.setting.run}@${stage.setting.domain}`));
      const text = stage.text('Let me in');
      yield* stage.send(stranger.says(stage.ours('Eve'), stage.nick('Eve'), text));
      yield* stage.never(all(to(alice), says(text)), 'nothing of a node that has not joined');
    },
  },
  {
    id: '0289-joined-collision',
    section: '8',
    requirement:
      'A user of the joining node does not take the nick of a local user, and the node is told of the collision.',
    *run(stage) {
      const { link, alice } = yield* joined(stage);
      const other = stage.ours('Other');
      stage.leavesAfter(() => link.leave(other, stage.nick('Alice')));
      yield* stage.send(link.presence(other, stage.nick('Alice')));
      yield* stage.never(
        all(fromRoom(stage.peer), to(alice), from(stage.at(stage.peer, 'Alice'))),
        'Alice keeps her nick, and nothing is shown in its name',
      );
      const refused = yield* stage.maybe(
        either('', all(link.fromPeer, isError), all(link.fromPeer, isReject)),
        stage.setting.quietMs,
      );
      if (refused === undefined) throw new NotOffered('the node is not told of the collision, which §8 leaves open');
    },
  },
];
