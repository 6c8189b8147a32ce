/** XEP-0281, with the room under test as the source: our service is a peerhost, and hosts a shadow of it. */
import {
  readConfig,
  readHistoryResult,
  readRoster,
  readServiceOrder,
  writeHistoryRequest,
} from '../core/xep/xep0281.ts';
import { domainOf, jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { iqResult, payloadOf } from '../core/xmpp/stanza.ts';
import { childOf, childrenOf, el, elementsOf, textOf } from '../core/xmpp/xml.ts';
import type { Check, Part } from './check.ts';
import { instanceChecks, instanceReviews } from './instance-checks.ts';
import { InstanceLink } from './instance-link.ts';
import { instanceReflex, linkOf, serviceOf, setLink, theirsIsIn } from './instance-setup.ts';
import {
  all,
  available,
  either,
  errorWith,
  from,
  fromRoom,
  isError,
  isResult,
  itemOf,
  like,
  status,
  to,
} from './like.ts';
import { Failed, NotOffered } from './script.ts';

const begin: Check = {
  id: '0281-source-replicate',
  section: '3.2',
  requirement:
    'The firsthost asks our service with <replicate/> for a shadow; when it has agreed, the source sends the shadow the configuration and the roster.',
  *run(stage) {
    yield* stage.enters(stage.theirs('Foo'), stage.at(stage.peer, 'Foo'));
    // Some firsthosts ask as soon as somebody of the peerhost comes.
    yield* stage.asksIn(stage.ours('Witch'), stage.at(stage.peer, 'Witch'));
    const order = yield* stage.expectWithin(
      stage.setting.patienceMs,
      like(
        `<replicate/> from ${serviceOf(stage.peer)} to ${stage.setting.domain}`,
        (stanza) => stanza.to === stage.setting.domain && readServiceOrder(stanza)?.kind === 'replicate',
      ),
      from(serviceOf(stage.peer)),
      like('with the id of the room', (stanza) => (readServiceOrder(stanza)?.id ?? '') !== ''),
    );
    const id = readServiceOrder(order)?.id ?? '';
    const link = setLink(stage, new InstanceLink(stage, jid(`${id}@${stage.setting.domain}`), stage.peer));
    yield* stage.send(iqResult(order));
    yield* stage.expectWithin(
      stage.setting.patienceMs,
      all(
        link.fromPeer,
        like('a <config/>', (stanza) => readConfig(stanza) !== undefined),
      ),
    );
    yield* stage.expectWithin(
      stage.setting.patienceMs,
      all(
        link.fromPeer,
        like('a <roster/>', (stanza) => readRoster(stanza) !== undefined),
      ),
    );
  },
};

const checks: readonly Check[] = [
  {
    id: '0281-source-form',
    section: '3.1',
    requirement: 'The configuration form may offer to distribute the room: muc#roomconfig_distributed, a boolean.',
    *run(stage) {
      const answer = yield* stage.ask(stage.peer, stage.owner, 'get', el('query', NS.mucOwner));
      const query = payloadOf(answer, 'query', NS.mucOwner);
      const form = query && childOf(query, 'x', NS.dataForms);
      const field =
        form &&
        childrenOf(form, 'field', NS.dataForms).find(({ attrs }) => attrs['var'] === 'muc#roomconfig_distributed');
      if (field === undefined) throw new NotOffered('the form does not offer it');
      if (field.attrs['type'] !== 'boolean')
        throw new Failed('the field muc#roomconfig_distributed of type boolean', [answer]);
    },
  },
  {
    id: '0281-source-config',
    section: '3.2',
    requirement:
      'The configuration is a data form with the FORM_TYPE of muc#roomconfig, by iq of type set from the source to the shadow.',
    *run(stage) {
      const link = linkOf(stage);
      const came = stage.exchanged.find(
        ({ sent, stanza }) => !sent && link.fromPeer.fits(stanza) && readConfig(stanza),
      );
      const config = came && readConfig(came.stanza);
      const form = config && childOf(config, 'x', NS.dataForms);
      const type = form && childrenOf(form, 'field', NS.dataForms).find(({ attrs }) => attrs['var'] === 'FORM_TYPE');
      const value = type && childOf(type, 'value', NS.dataForms);
      if (came === undefined || value === undefined || textOf(value) !== 'http://jabber.org/protocol/muc#roomconfig')
        throw new Failed(
          'a <config/> with a form whose FORM_TYPE is that of muc#roomconfig',
          came ? [came.stanza] : [],
        );
      for (const must of [from(link.peer), to(link.self)])
        if (!must.fits(came.stanza)) throw new Failed(`a <config/> ${must.words}`, [came.stanza]);
    },
  },
  {
    id: '0281-source-roster',
    section: '3.2',
    requirement: 'The roster names each user of the source with affiliation and nick.',
    *run(stage) {
      const link = linkOf(stage);
      const rosters = stage.exchanged.filter(
        ({ sent, stanza }) => !sent && link.fromPeer.fits(stanza) && readRoster(stanza),
      );
      const items = rosters.flatMap(({ stanza }) => payloadOf(stanza, 'roster', NS.dmuc1)?.children ?? []);
      const named = items.filter(
        (item) => typeof item !== 'string' && item.attrs['name']?.startsWith('Foo-') && item.attrs['affiliation'],
      );
      if (named.length === 0)
        throw new Failed(
          'an item with affiliation and name for the user who was in',
          rosters.map(({ stanza }) => stanza),
        );
    },
  },
  {
    id: '0281-source-history',
    section: '3.2',
    requirement:
      'The source answers a request for the history with the messages that were said, each with its author and a delay.',
    *run(stage) {
      const link = linkOf(stage);
      const user = yield* theirsIsIn(stage, 'Foo');
      const text = stage.text('Message 2.');
      yield* stage.says(user, link.peer, text);
      yield* stage.expect(
        all(
          fromRoom(link.peer),
          to(user),
          like('', ({ name }) => name === 'message'),
        ),
      );
      const id = link.self.slice(0, link.self.lastIndexOf('@'));
      const answer = yield* stage.ask(link.peer, link.self, 'get', writeHistoryRequest(id, {}));
      const history = readHistoryResult(answer);
      if (!isResult.fits(answer) || history === undefined) throw new Failed('a result with <history/>', [answer]);
      const said = childrenOf(history, 'message', NS.client).find((message) => {
        const body = childOf(message, 'body', NS.client);
        return body !== undefined && textOf(body) === text;
      });
      if (said === undefined) throw new Failed(`“${text}” in the history`, [answer]);
      if (said.attrs['from'] !== stage.at(link.peer, 'Foo'))
        throw new Failed(`“${text}” from ${stage.at(link.peer, 'Foo')}`, [answer]);
      if (!elementsOf(said).some(({ xmlns, attrs }) => xmlns === NS.delay && attrs['stamp']))
        throw new Failed(`“${text}” with a delay`, [answer]);
    },
  },
  {
    id: '0281-source-redirect',
    section: '3.5',
    requirement:
      'A user of the peerhost who enters the source may be sent to the shadow: an error <redirect/> that names our service, and an invitation (XEP-0249) to the shadow.',
    *run(stage) {
      const link = linkOf(stage);
      const witch = stage.ours('Somewitch');
      yield* stage.asksIn(witch, stage.at(link.peer, 'Somewitch'));
      const answer = yield* stage.expect(
        either(
          `an answer to the join of ${witch}`,
          all(fromRoom(link.peer), to(witch), isError),
          all(available, from(stage.at(link.peer, 'Somewitch')), to(witch), status(110)),
        ),
      );
      if (!errorWith('redirect').fits(answer)) throw new NotOffered('the source sends nobody to a shadow');
      const place = like(`which names ${stage.setting.domain}`, (stanza) => {
        const error = payloadOf(stanza, 'error', NS.client);
        const redirect = error && childOf(error, 'redirect', NS.stanzas);
        return redirect !== undefined && textOf(redirect).includes(stage.setting.domain);
      });
      if (!place.fits(answer)) throw new Failed(`<redirect/>, ${place.words}`, [answer]);
      const invitation = like('an invitation', (stanza) => payloadOf(stanza, 'x', 'jabber:x:conference') !== undefined);
      const toShadow = like(
        `to ${link.self}`,
        (stanza) => payloadOf(stanza, 'x', 'jabber:x:conference')?.attrs['jid'] === link.self,
      );
      yield* stage.expect(all(invitation, fromRoom(link.peer), to(witch)), toShadow);
    },
  },
  {
    id: '0281-source-rank',
    section: '1.3',
    requirement:
      'The firsthost’s information rules: an affiliation that another instance claims for its user is not shown.',
    *run(stage) {
      const link = linkOf(stage);
      const witch = yield* theirsIsIn(stage, 'Firstwitch');
      const nick = stage.nick('Usurper');
      const user = stage.ours('Usurper');
      stage.leavesAfter(() => link.leave(user, nick));
      yield* stage.send(link.presence(user, nick, { affiliation: 'owner', role: 'moderator' }));
      const humble = like('not as an owner', (stanza) => itemOf(stanza)?.attrs['affiliation'] !== 'owner');
      yield* stage.expect(all(available, from(stage.at(link.peer, 'Usurper')), to(witch)), humble);
    },
  },
  {
    id: '0281-source-unreachable',
    section: '1.2',
    requirement:
      'The occupants of an instance remain in it if another one is out of reach: what they say is shown to them.',
    *run(stage) {
      const link = linkOf(stage);
      const user = yield* theirsIsIn(stage, 'Foo');
      stage.bounces(link.self);
      for (const text of [stage.text('one'), stage.text('two')]) {
        yield* stage.says(user, link.peer, text);
        yield* stage.expect(
          all(
            fromRoom(link.peer),
            to(user),
            like(`with the body “${text}”`, ({ payloads }) =>
              payloads.some((one) => one.name === 'body' && textOf(one) === text),
            ),
          ),
        );
      }
    },
  },
];

export const source: Part = {
  protocol: '0281',
  role: 'source',
  features: [NS.dmuc1],
  setUp: ({ peer, domain, users }) => [
    `Make the room ${peer}. Everybody may enter it, it shows real addresses to everybody, and it is distributed (XEP-0281).`,
    `The service ${domainOf(peer)} may ask ${domain} for a shadow of it, and does so within the time that --patience says.`,
    `It believes ${domain} about users of ${domain}.`,
    `Make owner@${users} an owner of the room.`,
  ],
  reflex: instanceReflex,
  begin,
  checks: [...instanceChecks('source'), ...checks],
  reviews: instanceReviews('source'),
};
