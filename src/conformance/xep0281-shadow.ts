/** XEP-0281, with the service under test as a peerhost: our room is the source, and it hosts a shadow of it. */
import {
  dmucFeature,
  readHistoryRequest,
  readInstances,
  sourceField,
  writeRoster,
  writeServiceOrder,
} from '../core/xep/xep0281.ts';
import { jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { iq, payloadOf } from '../core/xmpp/stanza.ts';
import { childrenOf, el, textOf } from '../core/xmpp/xml.ts';
import type { Check, Part } from './check.ts';
import { instanceChecks, instanceReviews } from './instance-checks.ts';
import { InstanceLink } from './instance-link.ts';
import { instanceReflex, linkOf, serviceOf, setLink, theirsIsIn } from './instance-setup.ts';
import {
  all,
  answers,
  available,
  errorWith,
  forUsers,
  from,
  fromRoom,
  hasItem,
  isDelayed,
  isError,
  isResult,
  like,
  says,
  to,
} from './like.ts';
import { Failed, NotOffered } from './script.ts';
import type { Stage } from './stage.ts';

const idOf = ({ setting }: Stage): string => `${setting.node}-${setting.run}`;

const begin: Check = {
  id: '0281-shadow-replicate',
  section: '3.2',
  requirement:
    'A service that is willing answers <replicate/> with a result; the shadow takes the configuration and the roster, each with a result.',
  *run(stage) {
    const id = idOf(stage);
    const { domain } = stage.setting;
    const self = jid(`${id}@${domain}`);
    const link = setLink(stage, new InstanceLink(stage, self, jid(`${id}@${serviceOf(stage.peer)}`)));
    link.users.set('foo', jid(`crone1@${domain}/kit`));
    const instance = stage.extension ? { instance: self } : {};
    const order = writeServiceOrder('replicate', { id, ...instance });
    const answer = yield* stage.ask(serviceOf(stage.peer), domain, 'set', order);
    if (!isResult.fits(answer)) throw new Failed('a result in answer to <replicate/>', [answer]);
    yield* link.greets();
    yield* link.tells(link.config(`A Dark Cave ${stage.setting.run}`), 'the answer of the shadow to the configuration');
    yield* link.tells(link.roster(), 'the answer of the shadow to the roster');
  },
};

const checks: readonly Check[] = [
  {
    id: '0281-shadow-history-asked',
    section: '3.2',
    requirement: 'The new shadow should ask the source for the history.',
    *run(stage) {
      const link = linkOf(stage);
      const asked = stage.exchanged.some(
        ({ sent, stanza }) => !sent && link.fromPeer.fits(stanza) && readHistoryRequest(stanza),
      );
      if (asked) return;
      const asks = like('a request for the history', (stanza) => readHistoryRequest(stanza) !== undefined);
      if ((yield* stage.maybe(all(link.fromPeer, asks))) === undefined)
        throw new NotOffered('the shadow asks for no history');
    },
  },
  {
    id: '0281-shadow-forbidden',
    section: '3.2',
    requirement: 'A service that may not have shadows here is refused.',
    needs: ['users'],
    *run(stage) {
      const { users } = stage.setting;
      const order = writeServiceOrder('replicate', { id: `${idOf(stage)}-stranger` });
      const answer = yield* stage.ask(serviceOf(stage.peer), users, 'set', order);
      if (!isError.fits(answer)) throw new NotOffered(`the service makes shadows for ${users}, too`);
    },
  },
  {
    id: '0281-shadow-items',
    section: '3.3',
    requirement: 'The rooms of the peerhost include its shadows.',
    *run(stage) {
      const link = linkOf(stage);
      const answer = yield* stage.ask(serviceOf(stage.peer), stage.theirs('asker'), 'get', el('query', NS.discoItems));
      const query = payloadOf(answer, 'query', NS.discoItems);
      if (query === undefined || isError.fits(answer)) throw new NotOffered('the service lists no rooms');
      if (!childrenOf(query, 'item', NS.discoItems).some(({ attrs }) => attrs['jid'] === link.peer))
        throw new Failed(`an item ${link.peer}`, [answer]);
    },
  },
  {
    id: '0281-shadow-source-field',
    section: '3.3',
    requirement: 'The extended information of a shadow MUST name its source, in the field dmuc-source.',
    *run(stage) {
      const link = linkOf(stage);
      const answer = yield* stage.ask(link.peer, stage.theirs('asker'), 'get', el('query', NS.discoInfo));
      const query = payloadOf(answer, 'query', NS.discoInfo);
      const named = query === undefined ? [] : readInstances(query, sourceField);
      if (!named.includes(link.self)) throw new Failed(`${sourceField} with ${link.self}`, [answer]);
    },
  },
  {
    id: '0281-shadow-configured',
    section: '3.2',
    requirement: 'The shadow has the configuration of the source: its name is that of the room.',
    *run(stage) {
      const link = linkOf(stage);
      const name = `A Dark Cave ${stage.setting.run}`;
      const answer = yield* stage.ask(link.peer, stage.theirs('asker'), 'get', el('query', NS.discoInfo));
      const query = payloadOf(answer, 'query', NS.discoInfo);
      const [identity] = query === undefined ? [] : childrenOf(query, 'identity', NS.discoInfo);
      const fields =
        query === undefined
          ? []
          : childrenOf(query, 'x', NS.dataForms).flatMap((form) => childrenOf(form, 'field', NS.dataForms));
      const values = fields.flatMap((field) => childrenOf(field, 'value', NS.dataForms)).map(textOf);
      if (identity?.attrs['name'] !== name && !values.includes(name)) throw new Failed(`the name “${name}”`, [answer]);
    },
  },
  {
    id: '0281-shadow-roster',
    section: '3.4',
    requirement: 'Who enters the shadow sees the users of the source, as in any room of XEP-0045.',
    *run(stage) {
      const link = linkOf(stage);
      const user = stage.theirs('Firstwitch');
      yield* stage.asksIn(user, stage.at(link.peer, 'Firstwitch'));
      yield* stage.expect(all(available, from(jid(`${link.peer}/foo`)), to(user)), hasItem, forUsers);
      yield* stage.isIn(user, stage.at(link.peer, 'Firstwitch'));
    },
  },
  {
    id: '0281-shadow-history',
    section: '3.2',
    requirement: 'What the source has told of the past is shown to those who enter the shadow, with a delay.',
    *run(stage) {
      const link = linkOf(stage);
      const user = stage.theirs('Firstwitch');
      const history = yield* stage.enters(user, stage.at(link.peer, 'Firstwitch'));
      const asked = stage.exchanged.some(
        ({ sent, stanza }) => !sent && link.fromPeer.fits(stanza) && readHistoryRequest(stanza),
      );
      const old = history.filter((stanza) => says(link.pastText).fits(stanza));
      const [first] = old;
      if (!asked) throw new NotOffered('the shadow has asked for no history');
      if (first === undefined || old.length > 1) throw new Failed(`“${link.pastText}” once in the history`, history);
      if (!isDelayed.fits(first)) throw new Failed(`“${link.pastText}” ${isDelayed.words}`, [first]);
    },
  },
  {
    id: '0281-shadow-roster-forged',
    section: '3.2',
    requirement: 'A roster from anybody but the source changes nothing.',
    *run(stage) {
      const link = linkOf(stage);
      const user = yield* theirsIsIn(stage, 'Firstwitch');
      const stranger = jid(`stranger-${stage.setting.run}@${stage.setting.domain}`);
      const item = {
        affiliation: 'owner',
        jid: stage.ours('Eve'),
        name: stage.nick('Eve'),
        role: undefined,
        occupantId: '',
        presence: [],
      } as const;
      const request = iq(stranger, link.peer, { type: 'set', id: stage.newId() }, writeRoster([item]));
      yield* stage.send(request);
      yield* stage.expect(answers(request), errorWith());
      yield* stage.never(all(from(stage.at(link.peer, 'Eve')), to(user)), 'nobody whom a stranger names');
    },
  },
  {
    id: '0281-shadow-unreachable',
    section: '1.2',
    requirement:
      'The occupants of the shadow remain in it if the source is out of reach: what they say is shown to them.',
    *run(stage) {
      const link = linkOf(stage);
      const user = yield* theirsIsIn(stage, 'Firstwitch');
      stage.bounces(link.self);
      for (const text of [stage.text('one'), stage.text('two')]) {
        yield* stage.says(user, link.peer, text);
        yield* stage.expect(all(fromRoom(link.peer), to(user), says(text)));
      }
    },
  },
];

export const shadow: Part = {
  protocol: '0281',
  role: 'shadow',
  features: [dmucFeature],
  setUp: ({ peer, domain }) => [
    `The service ${serviceOf(peer)} hosts shadows (XEP-0281) of the rooms of ${domain}, and of no other service.`,
    `It believes ${domain} about users of ${domain}, and everybody may enter its shadows.`,
  ],
  reflex: instanceReflex,
  begin,
  knowsExtension: (stage) => linkOf(stage).isLinked,
  checks: [...instanceChecks('shadow'), ...checks],
  *end(stage) {
    if (!stage.extension) return;
    const order = writeServiceOrder('replicate', { id: idOf(stage), instance: linkOf(stage).self, stops: true });
    yield* stage.ask(serviceOf(stage.peer), stage.setting.domain, 'set', order);
  },
  reviews: instanceReviews('shadow'),
};
