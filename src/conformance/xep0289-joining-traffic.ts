/** The same role: what goes over the link once it has joined our node. */
import { readMucUser } from '../core/xep/xep0045.ts';
import { occupantJid, resourceOf } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { message, presence } from '../core/xmpp/stanza.ts';
import { el } from '../core/xmpp/xml.ts';
import type { Check } from './check.ts';
import { told, toNode } from './fmuc-link.ts';
import { accepted, asked, away, joining, saysThere } from './fmuc-setup.ts';
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
  unavailable,
} from './like.ts';
import { Failed, NotOffered } from './script.ts';
import { body } from './stage.ts';

export const trafficOfJoining: readonly Check[] = [
  {
    id: '0289-joining-message-out',
    section: '5.2',
    requirement:
      'A message of a local user goes to the joined node once, from the occupant to its bare address, with <fmuc from/> of its author.',
    *run(stage) {
      const { link, hamlet } = yield* joining(stage);
      const text = stage.text('Hi Alice');
      yield* stage.says(hamlet, stage.peer, text);
      const said = all(groupchat, link.fromPeer, says(text));
      yield* stage.expect(said, from(stage.at(stage.peer, 'Hamlet')), toNode(stage), fmucFrom(hamlet));
      yield* stage.never(said, `one copy of “${text}” on the link`);
    },
  },
  {
    id: '0289-joining-no-wait',
    section: '5.2',
    mode: 'primary-primary',
    requirement: 'In primary-primary mode a message is shown to the local users without waiting for the joined node.',
    *run(stage) {
      const { hamlet } = yield* joining(stage);
      const text = stage.text('at once');
      yield* saysThere(stage, hamlet, 'Hamlet', text);
    },
  },
  {
    id: '0289-joining-echo',
    section: '8',
    mode: 'primary-replica',
    requirement:
      'In primary-replica mode a message is shown to the local users when it comes back from the joined node, and not before.',
    *run(stage) {
      const { link, hamlet } = yield* joining(stage);
      const text = stage.text('Hi Alice');
      yield* stage.says(hamlet, stage.peer, text);
      const sent = yield* stage.expect(all(groupchat, link.fromPeer, says(text)));
      const shown = all(groupchat, fromRoom(stage.peer), to(hamlet), says(text));
      yield* stage.never(shown, 'nothing for the local users before the echo');
      yield* stage.send(link.echo(sent, hamlet));
      yield* stage.expect(shown, from(stage.at(stage.peer, 'Hamlet')), forUsers);
      yield* stage.never(shown, 'one copy for each local user');
    },
  },
  {
    id: '0289-joining-message-in',
    section: '5.2',
    requirement:
      'A message of the joined node is shown to each local user, once, from the occupant and without the payload of nodes, and does not go back.',
    *run(stage) {
      const { link, hamlet, alice } = yield* joining(stage);
      const text = stage.text('Hi Hamlet');
      yield* stage.send(link.says(alice, stage.nick('Alice'), text));
      const said = all(groupchat, to(hamlet), says(text));
      yield* stage.expect(said, from(stage.at(stage.peer, 'Alice')), forUsers);
      yield* stage.never(says(text), 'one copy for each user, and none for the node that sent it');
    },
  },
  {
    id: '0289-joining-enter-out',
    section: '5.3',
    requirement:
      'A further local user is announced to the joined node, once, with <fmuc from/> and the item of muc#user.',
    *run(stage) {
      yield* joining(stage);
      const ophelia = stage.theirs('Ophelia');
      yield* stage.enters(ophelia, stage.at(stage.peer, 'Ophelia'));
      const entered = told(stage, available, stage.at(stage.peer, 'Ophelia'));
      yield* stage.expect(entered, fmucFrom(ophelia), hasItem);
      yield* stage.never(entered, `one presence of ${stage.at(stage.peer, 'Ophelia')}`);
    },
  },
  {
    id: '0289-joining-enter-in',
    section: '5.3',
    requirement: 'A further user of the joined node is shown to the local users, and not announced back.',
    *run(stage) {
      const { link, hamlet } = yield* joining(stage);
      yield* stage.send(link.presence(stage.ours('Bob'), stage.nick('Bob')));
      yield* stage.expect(all(available, from(stage.at(stage.peer, 'Bob')), to(hamlet)), hasItem, forUsers);
      if (stage.setting.mode === 'primary-primary')
        yield* stage.never(told(stage, available, stage.at(stage.peer, 'Bob')), 'no presence of our own user back');
    },
  },
  {
    id: '0289-joining-presence',
    section: '5.3',
    mode: 'primary-primary',
    requirement: 'What a user shows of themselves is told in both directions.',
    *run(stage) {
      const { link, hamlet, alice } = yield* joining(stage);
      yield* stage.send(away(stage, hamlet, 'Hamlet', 'ghosts'));
      yield* stage.expect(all(told(stage, available, stage.at(stage.peer, 'Hamlet')), shows('away')), fmucFrom(hamlet));
      yield* stage.send(link.presence(alice, stage.nick('Alice'), {}, el('show', NS.client, {}, 'dnd')));
      yield* stage.expect(all(available, from(stage.at(stage.peer, 'Alice')), to(hamlet), shows('dnd')), forUsers);
    },
  },
  {
    id: '0289-joining-nick',
    section: '5.3',
    mode: 'primary-primary',
    requirement:
      'A change of nick is told in both directions: unavailable with 303 and the new nick, then presence under the new one.',
    *run(stage) {
      const { link, hamlet, alice } = yield* joining(stage);
      const [before, after] = [stage.at(stage.peer, 'Hamlet'), stage.at(stage.peer, 'Yorick')];
      stage.leavesAfter(() => presence(hamlet, after, { type: 'unavailable' }));
      yield* stage.send(presence(hamlet, after, {}));
      const renamed = like(
        'the new nick in its item',
        ({ payloads }) => readMucUser(payloads)?.nick === resourceOf(after),
      );
      yield* stage.expect(told(stage, unavailable, before), status(303), renamed, fmucFrom(hamlet));
      yield* stage.expect(told(stage, available, after), fmucFrom(hamlet));
      const [nick, other] = [stage.nick('Alice'), stage.nick('Alicia')];
      yield* stage.send(link.renames(alice, nick, other), link.presence(alice, other));
      yield* stage.expect(all(unavailable, from(occupantJid(stage.peer, nick)), to(hamlet)), status(303), forUsers);
      yield* stage.expect(all(available, from(occupantJid(stage.peer, other)), to(hamlet)), forUsers);
    },
  },
  {
    id: '0289-joining-subject-in',
    section: '5.2',
    requirement: 'A new subject of the joined node is shown to the local users.',
    *run(stage) {
      const { link, hamlet, alice } = yield* joining(stage);
      const text = stage.text('Tea');
      yield* stage.send(link.message(alice, stage.nick('Alice'), el('subject', NS.client, {}, text)));
      const refused = all(link.fromPeer, isError);
      const changed = yield* stage.expect(
        either(`the subject “${text}” for ${hamlet}`, all(groupchat, to(hamlet), subjectIs(text)), refused),
      );
      if (isError.fits(changed)) throw new NotOffered('the room lets no user of the other node change its subject');
      for (const must of [from(stage.at(stage.peer, 'Alice')), forUsers])
        if (!must.fits(changed)) throw new Failed(`the new subject, ${must.words}`, [changed]);
    },
  },
  {
    id: '0289-joining-leave-out',
    section: '5.4',
    requirement: 'A local user who leaves is reported to the joined node, once, with <fmuc from/>.',
    *run(stage) {
      const { hamlet } = yield* joining(stage);
      yield* stage.send(presence(hamlet, stage.at(stage.peer, 'Hamlet'), { type: 'unavailable' }));
      const left = told(stage, unavailable, stage.at(stage.peer, 'Hamlet'));
      yield* stage.expect(left, fmucFrom(hamlet));
      yield* stage.never(left, 'one leave');
    },
  },
  {
    id: '0289-joining-leave-in',
    section: '5.4',
    requirement: 'A user of the joined node who leaves is shown as gone to the local users.',
    *run(stage) {
      const { link, hamlet } = yield* joining(stage);
      const bob = stage.ours('Bob');
      yield* stage.send(link.presence(bob, stage.nick('Bob')));
      yield* stage.expect(all(available, from(stage.at(stage.peer, 'Bob')), to(hamlet)));
      yield* stage.send(link.leave(bob, stage.nick('Bob')));
      const gone = all(unavailable, from(stage.at(stage.peer, 'Bob')), to(hamlet));
      yield* stage.expect(gone, forUsers);
      yield* stage.never(gone, 'one leave');
    },
  },
  {
    id: '0289-joining-rejoin',
    section: '5.4',
    requirement: 'A node that has left the set joins again with its next user.',
    *run(stage) {
      const { hamlet } = yield* joining(stage);
      yield* stage.send(presence(hamlet, stage.at(stage.peer, 'Hamlet'), { type: 'unavailable' }));
      yield* stage.expect(told(stage, unavailable, stage.at(stage.peer, 'Hamlet')));
      const ophelia = stage.theirs('Ophelia');
      const request = yield* asked(stage, ophelia, 'Ophelia');
      yield* accepted(stage, request, stage.ours('Alice'), ophelia);
      yield* stage.isIn(ophelia, stage.at(stage.peer, 'Ophelia'));
    },
  },
  {
    id: '0289-joining-private-out',
    section: '5.6',
    requirement: 'A private message of a local user reaches a user of the joined node, and nobody else.',
    *run(stage) {
      const { link, hamlet, alice } = yield* joining(stage);
      const text = stage.text('in private');
      yield* stage.send(
        message(hamlet, stage.at(stage.peer, 'Alice'), { type: 'chat', id: stage.newId() }, body(text)),
      );
      const byNode = all(privately, link.fromPeer, says(text));
      const itself = all(privately, fromRoom(stage.peer), to(alice), says(text));
      const answer = yield* stage.expect(
        either('the private message for our node, or a refusal', byNode, itself, all(errorWith(), to(hamlet))),
      );
      if (isError.fits(answer)) throw new NotOffered('the room refuses private messages to users of another node');
      const author = from(stage.at(stage.peer, 'Hamlet'));
      for (const must of answer.to === alice ? [author, forUsers] : [author, fmucFrom(hamlet)])
        if (!must.fits(answer)) throw new Failed(`the private message, ${must.words}`, [answer]);
      yield* stage.never(says(text), `the private message “${text}” once`);
    },
  },
  {
    id: '0289-joining-private-in',
    section: '5.6',
    requirement: 'A private message of the joined node is for its addressee alone.',
    *run(stage) {
      const { link, hamlet, alice } = yield* joining(stage);
      const ophelia = stage.theirs('Ophelia');
      yield* stage.enters(ophelia, stage.at(stage.peer, 'Ophelia'));
      const text = stage.text('in private');
      yield* stage.send(link.tells(alice, stage.nick('Alice'), stage.nick('Hamlet'), text));
      const answer = yield* stage.expect(
        either(
          `the private message for ${hamlet}, or a refusal`,
          all(fromRoom(stage.peer), to(hamlet), says(text)),
          all(link.fromPeer, isError),
        ),
      );
      yield* stage.never(
        like('', (stanza) => says(text).fits(stanza) && stanza.to !== hamlet),
        'a private message for its addressee alone',
      );
      if (isError.fits(answer)) throw new NotOffered('the room refuses private messages from another node');
      for (const must of [privately, from(stage.at(stage.peer, 'Alice')), forUsers])
        if (!must.fits(answer)) throw new Failed(`the private message, ${must.words}`, [answer]);
    },
  },
  {
    id: '0289-joining-forged',
    section: '7',
    requirement:
      'A node speaks for its own users: what it says in the name of a local user is shown to nobody as theirs.',
    *run(stage) {
      const { link, hamlet } = yield* joining(stage);
      const ophelia = stage.theirs('Ophelia');
      yield* stage.enters(ophelia, stage.at(stage.peer, 'Ophelia'));
      const text = stage.text('I resign');
      yield* stage.send(link.says(hamlet, stage.nick('Hamlet'), text));
      yield* stage.never(all(to(ophelia), says(text)), 'nothing in the name of a user who is in the room in person');
    },
  },
];
