import { stanzaError } from '../core/xmpp/errors.ts';
import { bareOf, type Jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { iqResult, payloadOf } from '../core/xmpp/stanza.ts';
import { el, textOf, type XmlElement } from '../core/xmpp/xml.ts';
import { answerClass } from './class-iq.ts';
import { answerCommand, commandItems } from './commands.ts';
import type { AnsweringServer, Envelope } from './envelope.ts';
import { SNS } from './namespaces.ts';
import { readReport } from './report.ts';

/**
 * Answers an iq get or set addressed to the server, or to the bare JID of one of its accounts: disco (XEP-0030), ping
 * (XEP-0199), an always empty roster (RFC 6121 §2), operator commands (XEP-0050), classes. The rest: `service-unavailable`.
 */
export function answerIq(server: AnsweringServer, envelope: Envelope) {
  const { stanza, origin } = envelope;
  const payload = stanza.payloads[0] as XmlElement;
  const request = `${stanza.type} ${payload.xmlns} ${payload.name}`;
  const toServer = stanza.to === server.domain;
  const own = origin !== undefined && stanza.to === origin.account.address;
  const ok = (spec: string, ...payloads: readonly XmlElement[]) =>
    server.reply(envelope, iqResult(stanza, ...payloads), spec);
  const refuse = () =>
    server.bounce(envelope, stanzaError('cancel', 'service-unavailable', `${payload.name} is not served here`));
  if (!toServer && server.network.accounts.get(stanza.to) === undefined && !own) return refuse();

  switch (request) {
    case `get ${NS.ping} ping`:
      return ok('0199#4', ...[]);
    case `get ${NS.discoInfo} query`:
      if (toServer || own) return discoInfo(server, envelope, payload);
      return refuse();
    case `get ${NS.discoItems} query`:
      if (toServer || own) return discoItems(server, envelope, payload);
      return refuse();
    case `get ${SNS.roster} query`:
      if (own) return ok('6121#2.1.4', el('query', SNS.roster));
      return refuse();
    case `set ${SNS.session} session`:
      if (toServer || own) return ok('3921#3');
      return refuse();
    case `set ${NS.commands} command`:
      if (toServer) return answerCommand(server, envelope, payload);
      return refuse();
    default:
      if (payload.xmlns === NS.classroom && stanza.type === 'set' && toServer)
        return answerClass(server, envelope, payload);
      return refuse();
  }
}

function discoInfo(server: AnsweringServer, envelope: Envelope, query: XmlElement): void {
  const { stanza, origin } = envelope;
  const { node } = query.attrs;
  // XEP-0033 §2.1.
  const forNodes = origin?.isNode ? [NS.address] : [];
  const features = [NS.discoInfo, NS.discoItems, NS.ping, NS.commands, ...forNodes];
  const answer = (category: string, type: string, name: string | undefined, vars: readonly string[]) =>
    server.reply(
      envelope,
      iqResult(
        stanza,
        el(
          'query',
          NS.discoInfo,
          { node },
          el('identity', NS.discoInfo, { category, type, name }),
          ...vars.map((v) => el('feature', NS.discoInfo, { var: v })),
        ),
      ),
      '0030#3.1',
    );
  if (stanza.to !== server.domain) answer('account', 'registered', undefined, [NS.discoInfo, NS.discoItems]);
  else if (node === undefined) answer('server', 'im', 'Netsplit', features);
  else if (node === NS.commands) answer('automation', 'command-list', 'Operator commands', [NS.commands]);
  else {
    const command = commandItems(origin).find((item) => item.node === node);
    if (command !== undefined) answer('automation', 'command-node', command.name, [NS.commands, NS.dataForms]);
    else server.bounce(envelope, stanzaError('cancel', 'item-not-found', `no node ${node.slice(0, 200)}`));
  }
}

function discoItems(server: AnsweringServer, envelope: Envelope, query: XmlElement): void {
  const { stanza, origin } = envelope;
  const { node } = query.attrs;
  const item = (jid: Jid, attrs: Record<string, string | undefined> = {}) =>
    el('item', NS.discoItems, { jid, ...attrs });
  let items: XmlElement[] = [];
  if (stanza.to === server.domain && node === undefined) items = [...server.services].map((service) => item(service));
  if (stanza.to === server.domain && node === NS.commands)
    items = commandItems(origin).map((command) => item(server.domain, { node: command.node, name: command.name }));
  server.reply(envelope, iqResult(stanza, el('query', NS.discoItems, { node }, ...items)), '0030#4.1');
}

/** A message to the server itself: nodes report here what they did and what they are. Anything else is dropped. */
export function takeMessage(server: AnsweringServer, { stanza, origin }: Envelope): void {
  const report = payloadOf(stanza, 'report', NS.trace);
  if (report === undefined || origin === undefined) return;
  const own = (node: string) =>
    node === origin.address || node === bareOf(origin.address) || origin.hosts.has(node as Jid);
  const records = readReport(textOf(report), own);
  if (records === undefined) {
    server.network.host.log?.(`trace: a report of ${origin.address} was malformed or not about itself`);
    return;
  }
  for (const record of records) server.network.trace.report(record);
}
