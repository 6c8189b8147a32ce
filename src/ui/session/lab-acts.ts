import type { Jid } from '../../core/xmpp/jid.ts';
import { sourcesOf } from '../../scenario/instances.ts';
import { possibleReplicas } from '../../scenario/replicas.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { LabAct } from '../../sim/lab.ts';
import type { Action } from './acts.ts';

type Configure = Extract<LabAct, { kind: 'configure' }>;

/** What an act means to the Lab's world; text: why it means nothing. */
export function labActOf(action: Exclude<Action, { act: 'pause' }>, scenario: Scenario): LabAct | string {
  switch (action.act) {
    case 'join': {
      const { room } = action;
      return person(action.who, { act: 'join', ...(room === undefined ? {} : { room: room as Jid }) });
    }
    case 'leave':
    case 'accept':
    case 'decline':
      return person(action.who, { act: action.act });
    case 'say':
    case 'subject':
      return person(action.who, { act: action.act, text: action.text });
    case 'nick':
      return person(action.who, { act: 'nick', nick: action.nick });
    case 'pm':
      return person(action.who, { act: 'pm', to: action.to, text: action.text });
    case 'kick': {
      const { nick, reason } = action;
      return person(action.who, { act: 'kick', nick, ...(reason === undefined ? {} : { reason }) });
    }
    case 'presence': {
      const { show, status } = action;
      return person(action.who, { act: 'presence', show, ...(status === undefined ? {} : { status }) });
    }
    case 'cut':
      return link(action.link, { state: action.how });
    case 'heal':
      return link(action.link, { state: 'up' });
    case 'slow': {
      const { latencyMs, jitterMs, bytesPerSecond } = action;
      return link(action.link, { latencyMs, jitterMs, bytesPerSecond });
    }
    case 'crash':
    case 'restart':
      return { kind: action.act, node: action.node as Jid };
    case 'add-replica':
      return addReplica(scenario, action.server, action.room);
    case 'remove-replica': {
      const replica = possibleReplicas(scenario).find(({ address }) => address === action.node);
      if (replica === undefined) return `${action.node} is no replica`;
      return configure(replica.replicaOf, { list: { name: 'replicas', remove: action.node as Jid } });
    }
    case 'add-shadow':
    case 'remove-shadow':
      return shadow(scenario, action);
    case 'configure': {
      const { act: _, room, ...change } = action;
      return configure(room, change);
    }
  }
}

function person(who: string, act: Extract<LabAct, { kind: 'person' }>['act']): LabAct {
  return { kind: 'person', who: who as Jid, act };
}

function link([a, b]: readonly [string, string], settings: Extract<LabAct, { kind: 'link' }>['settings']): LabAct {
  return { kind: 'link', between: [a as Jid, b as Jid], settings };
}

function configure(room: string, change: Omit<Configure, 'kind' | 'room'>): LabAct {
  return { kind: 'configure', room: room as Jid, ...change };
}

function addReplica(scenario: Scenario, server: string, room: string | undefined): LabAct | string {
  const possible = possibleReplicas(scenario).filter(
    (replica) => replica.server === server && (room === undefined || replica.replicaOf === room),
  );
  const [replica] = possible;
  if (replica === undefined) return `no room can have a replica on ${server}`;
  return configure(replica.replicaOf, { list: { name: 'replicas', add: replica.address as Jid } });
}

function shadow(
  scenario: Scenario,
  { act, node, room }: Extract<Action, { act: 'add-shadow' | 'remove-shadow' }>,
): LabAct | string {
  const all = sourcesOf(scenario).filter((source) => room === undefined || source.room.jid === room);
  const [source, more] = all.filter(({ firsthost }) => firsthost.address !== node);
  if (source === undefined) return all.length > 0 ? `${node} is the firsthost itself` : 'no room can have a shadow';
  if (more !== undefined) return 'there are several rooms that can have a shadow: say which';
  const { jid } = source.room;
  const peerhost = node as Jid;
  return act === 'add-shadow'
    ? configure(jid, { distributed: true, list: { name: 'peerhosts', add: peerhost } })
    : configure(jid, { list: { name: 'peerhosts', remove: peerhost } });
}
