/** What XEP-0281 asks of every instance, be it the source or a shadow: §3.4, §3.6. */
import { jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { presence } from '../core/xmpp/stanza.ts';
import { el } from '../core/xmpp/xml.ts';
import type { Check, Review } from './check.ts';
import { InstanceLink } from './instance-link.ts';
import { linkOf, oursIsIn, serviceOf, theirsIsIn } from './instance-setup.ts';
import { all, available, forUsers, from, groupchat, hasItem, like, says, shows, to, unavailable } from './like.ts';
import { forUserReview, noAnswerToErrors } from './reviews.ts';
import { Failed } from './script.ts';

/** @param role  what the ids of the checks say */
export function instanceChecks(role: 'source' | 'shadow'): readonly Check[] {
  return [
    {
      id: `0281-${role}-feature`,
      section: '4',
      requirement: 'A service that supports distributed rooms MUST have the feature urn:xmpp:dmuc:0.',
      *run(stage) {
        const features = yield* stage.featuresOf(serviceOf(stage.peer), stage.theirs('asker'));
        if (!features.has(NS.dmuc1)) throw new Failed(`the feature ${NS.dmuc1} in the answer to disco#info`, []);
      },
    },
    {
      id: `0281-${role}-enter-out`,
      section: '3.4',
      requirement:
        'A new local user is told to the other instance once, from the occupant here to the same nick there, with the item of muc#user.',
      *run(stage) {
        const link = linkOf(stage);
        yield* theirsIsIn(stage, 'Firstwitch');
        const told = all(available, from(stage.at(link.peer, 'Firstwitch')), link.fromPeer);
        yield* stage.expect(told, to(stage.at(link.self, 'Firstwitch')), hasItem);
        yield* stage.never(told, 'one presence');
      },
    },
    {
      id: `0281-${role}-enter-in`,
      section: '3.4',
      requirement: 'A user of the other instance is shown to the local users, once, and not told back.',
      *run(stage) {
        const link = linkOf(stage);
        const witch = yield* theirsIsIn(stage, 'Firstwitch');
        const nick = stage.nick('Anotherwitch');
        const user = stage.ours('Anotherwitch');
        stage.leavesAfter(() => link.leave(user, nick));
        yield* stage.send(link.presence(user, nick));
        const shown = all(available, from(stage.at(link.peer, 'Anotherwitch')), to(witch));
        yield* stage.expect(shown, hasItem, forUsers);
        yield* stage.never(
          all(available, from(stage.at(link.peer, 'Anotherwitch'))),
          'one presence, and none on its way back',
        );
      },
    },
    {
      id: `0281-${role}-presence`,
      section: '3.4',
      requirement: 'What a user shows of themselves is told in both directions.',
      *run(stage) {
        const link = linkOf(stage);
        const witch = yield* theirsIsIn(stage, 'Firstwitch');
        const user = yield* oursIsIn(stage, 'Anotherwitch', witch);
        const show = (text: string) => el('show', NS.client, {}, text);
        yield* stage.send(presence(witch, stage.at(link.peer, 'Firstwitch'), {}, show('away')));
        yield* stage.expect(all(available, from(stage.at(link.peer, 'Firstwitch')), link.fromPeer, shows('away')));
        yield* stage.send(link.presence(user, stage.nick('Anotherwitch'), {}, show('dnd')));
        yield* stage.expect(
          all(available, from(stage.at(link.peer, 'Anotherwitch')), to(witch), shows('dnd')),
          forUsers,
        );
      },
    },
    {
      id: `0281-${role}-leave-out`,
      section: '3.4',
      requirement: 'A local user who leaves is told to the other instance, once.',
      *run(stage) {
        const link = linkOf(stage);
        const witch = yield* theirsIsIn(stage, 'Firstwitch');
        yield* stage.send(presence(witch, stage.at(link.peer, 'Firstwitch'), { type: 'unavailable' }));
        const gone = all(unavailable, from(stage.at(link.peer, 'Firstwitch')), link.fromPeer);
        yield* stage.expect(gone, to(stage.at(link.self, 'Firstwitch')));
        yield* stage.never(gone, 'one leave');
      },
    },
    {
      id: `0281-${role}-leave-in`,
      section: '3.4',
      requirement: 'A user of the other instance who leaves is shown as gone to the local users.',
      *run(stage) {
        const link = linkOf(stage);
        const witch = yield* theirsIsIn(stage, 'Firstwitch');
        const user = yield* oursIsIn(stage, 'Anotherwitch', witch);
        yield* stage.send(link.leave(user, stage.nick('Anotherwitch')));
        const gone = all(unavailable, from(stage.at(link.peer, 'Anotherwitch')), to(witch));
        yield* stage.expect(gone, forUsers);
        yield* stage.never(gone, 'one leave');
      },
    },
    {
      id: `0281-${role}-message-out`,
      section: '3.6',
      requirement:
        'A message of a local user goes to the local users, and to the other instance once, from the occupant here to the same nick there.',
      *run(stage) {
        const link = linkOf(stage);
        const witch = yield* theirsIsIn(stage, 'Firstwitch');
        const text = stage.text('Message 4.');
        yield* stage.says(witch, link.peer, text);
        yield* stage.expect(all(groupchat, to(witch), says(text)), from(stage.at(link.peer, 'Firstwitch')), forUsers);
        const copy = all(groupchat, link.fromPeer, says(text));
        yield* stage.expect(copy, from(stage.at(link.peer, 'Firstwitch')), to(stage.at(link.self, 'Firstwitch')));
        yield* stage.never(says(text), 'one copy for the user, and one on the link');
      },
    },
    {
      id: `0281-${role}-message-in`,
      section: '3.6',
      requirement: 'A message of the other instance goes to each local user once, from the occupant, and not back.',
      *run(stage) {
        const link = linkOf(stage);
        const witch = yield* theirsIsIn(stage, 'Firstwitch');
        yield* oursIsIn(stage, 'Anotherwitch', witch);
        const text = stage.text('Message 5.');
        yield* stage.send(link.says(stage.nick('Anotherwitch'), text));
        yield* stage.expect(all(groupchat, to(witch), says(text)), from(stage.at(link.peer, 'Anotherwitch')), forUsers);
        yield* stage.never(says(text), 'one copy for each user, and none on its way back');
      },
    },
    {
      id: `0281-${role}-stranger`,
      section: '3.4',
      requirement: 'What comes from a room that is no instance is shown to nobody.',
      *run(stage) {
        const link = linkOf(stage);
        const witch = yield* theirsIsIn(stage, 'Firstwitch');
        const stranger = new InstanceLink(
          stage,
          jid(`stranger-${stage.setting.run}@${stage.setting.domain}`),
          link.peer,
        );
        const nick = stage.nick('Eve');
        const text = stage.text('I am here, too');
        yield* stage.send(stranger.presence(stage.ours('Eve'), nick), stranger.says(nick, text));
        const shown = like(
          '',
          (stanza) => stanza.to === witch && (stanza.from === stage.at(link.peer, 'Eve') || says(text).fits(stanza)),
        );
        yield* stage.never(shown, 'nothing of a room that is no instance');
      },
    },
    {
      id: `0281-${role}-forged`,
      section: '3.6',
      requirement:
        'An instance speaks for its own users: what it says under the nick of a local user is shown to nobody as theirs.',
      *run(stage) {
        const link = linkOf(stage);
        yield* theirsIsIn(stage, 'Firstwitch');
        const other = yield* theirsIsIn(stage, 'Secondwitch');
        const text = stage.text('I resign');
        yield* stage.send(link.says(stage.nick('Firstwitch'), text));
        yield* stage.never(all(to(other), says(text)), 'nothing in the name of a user who is in here');
      },
    },
    {
      id: `0281-${role}-places`,
      section: 'decision 202',
      requirement: 'Everything that goes over a link has the next place of its direction, in <s/> in <news/>.',
      needs: ['extension'],
      *run(stage) {
        const link = linkOf(stage);
        const witch = yield* theirsIsIn(stage, 'Firstwitch');
        const text = stage.text('counted');
        yield* stage.says(witch, link.peer, text);
        yield* stage.expect(all(link.fromPeer, says(text)));
        const places = link.places();
        if (places.length < 2 || places.join() !== places.map((_, i) => i + 1).join())
          throw new Failed(`places that count from 1 without a gap; they were ${places.join(', ') || 'absent'}`, []);
      },
    },
    {
      id: `0281-${role}-repeated`,
      section: 'decision 202',
      requirement: 'What comes again at a place that has passed is dropped.',
      needs: ['extension'],
      *run(stage) {
        const link = linkOf(stage);
        const witch = yield* theirsIsIn(stage, 'Firstwitch');
        yield* oursIsIn(stage, 'Anotherwitch', witch);
        const text = stage.text('once');
        const said = link.says(stage.nick('Anotherwitch'), text);
        yield* stage.send(said, said);
        const shown = all(groupchat, to(witch), says(text));
        yield* stage.expect(shown);
        yield* stage.never(shown, 'one copy, though the place came twice');
      },
    },
  ];
}

export function instanceReviews(role: 'source' | 'shadow'): readonly Review[] {
  return [forUserReview(`0281-${role}-for-users`, '3.6'), noAnswerToErrors(`0281-${role}-no-error-to-error`, '3')];
}
