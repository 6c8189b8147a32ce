import { bareOf, domainOf, type Jid } from '../../core/xmpp/jid.ts';
import type { Check, Focus, LessonAct, StanzaPattern } from '../../lessons/lesson.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import { capitalised, counted } from '../words.ts';

/** Who somebody is, by the nick that they have in the scenario. */
function nickOf(who: unknown, { occupants }: Scenario): string {
  const jid = String(who);
  const exact = occupants.find((one) => one.jid === jid);
  const user = exact ?? occupants.find((one) => bareOf(one.jid as Jid) === bareOf(jid as Jid));
  if (user === undefined) return jid;
  return exact === undefined && jid.includes('/') ? `${user.nick} (another device)` : user.nick;
}

/** A link by its servers: the part of the domain that tells them apart. */
export function linkName(link: readonly string[]): string {
  return link.map(serverName).join(' – ');
}

function serverName(domain: string): string {
  return domain.split('.')[0] ?? domain;
}

function nodeName(address: string): string {
  return address.includes('@') ? `${address.split('@')[0]} of ${serverName(domainOf(address as Jid))}` : address;
}

/** An act as an order: "Cut the link avalon – killrc". */
export function actInWords(act: LessonAct, scenario: Scenario): string {
  const {
    who,
    link = [],
    node,
    room,
  } = act as { who?: string; link?: readonly string[]; node?: string; room?: string };
  const nick = who === undefined ? '' : nickOf(who, scenario);
  switch (act.act) {
    case 'say':
      return `${nick} says something`;
    case 'subject':
      return `${nick} sets the subject`;
    case 'pm':
      return `${nick} sends ${String(act['to'])} a private message`;
    case 'kick':
      return `${nick} kicks ${String(act['nick'])}`;
    case 'join':
      return room === undefined ? `${nick} enters` : `${nick} enters at ${domainOf(room as Jid)}`;
    case 'leave':
      return `${nick} leaves`;
    case 'accept':
      return `${nick} goes where the room sends them`;
    case 'decline':
      return `${nick} stays outside`;
    case 'nick':
      return `${nick} changes the nick to ${String(act['nick'])}`;
    case 'presence':
      return `${nick} is ${String(act['show'] || 'available')}`;
    case 'cut':
      return `Cut the link ${linkName(link)}${act['how'] === 'silent' ? ' silently' : ''}`;
    case 'heal':
      return `Heal the link ${linkName(link)}`;
    case 'slow':
      return `Change the speed of the link ${linkName(link)}`;
    case 'crash':
      return `Crash ${nodeName(node ?? '')}`;
    case 'restart':
      return `Start ${nodeName(node ?? '')} again`;
    case 'add-replica':
      return `Add a replica on ${String(act['server'])}`;
    case 'remove-replica':
      return `Remove the ${nodeName(node ?? '')}`;
    case 'add-shadow':
      return `Make a shadow at ${node}`;
    case 'remove-shadow':
      return `Remove the shadow at ${node}`;
    case 'configure':
      return configureInWords(act);
    default:
      return act.act;
  }
}

function configureInWords({ distributed }: LessonAct): string {
  if (distributed === undefined) return 'Change what replicas do while they are cut off';
  return distributed ? 'Distribute the room' : 'Distribute the room no more';
}

/** What a check wants, as a sentence without its stop. */
export function checkInWords(check: Check, scenario: Scenario): string {
  if ('crossed' in check) {
    const where = check.link ? `the link ${linkName(check.link)}` : 'the links';
    const verb = check.crossed === 1 ? 'crosses' : 'cross';
    const whose = check.of === 'all' ? '' : ' for the last message';
    return `${counted(check.crossed, 'stanza')} ${verb} ${where}${whose}`;
  }
  if ('deliveries' in check)
    return `${check.deliveries === 1 ? '1 copy is' : `${check.deliveries} copies are`} delivered`;
  if ('compared' in check)
    return `${counted(check.compared, 'stanza')} in the protocol that it is compared with, and the same deliveries`;
  if ('stanzas' in check)
    return `${countInWords(check.count)} ${patternInWords(check.stanzas, scenario, check.count === 1)}`;
  if ('order' in check)
    return `In this order: ${check.order.map((one) => patternInWords(one, scenario, true)).join('; ')}`;
  if ('node' in check) return `${capitalised(nodeName(check.node))} is ${check.state}`;
  if ('link' in check) return `The link ${linkName(check.link)} is ${check.state}`;
  if ('person' in check)
    return `${nickOf(check.person, scenario)} is ${check.phase === 'joined' ? 'in' : 'out of'} the room`;
  if ('transcripts' in check) {
    const who = listed(check.of.map((one) => nickOf(one, scenario)));
    if (check.transcripts === 'same') return `${who} have read the same, in the same order`;
    return check.transcripts === 'order'
      ? `${who} have read the same, in another order`
      : `${who} have not read the same`;
  }
  if ('rosters' in check) return `${listed(check.of.map(nodeName))} know of the same occupants`;
  if ('refused' in check) {
    const why = check.condition === undefined ? '' : ` (${check.condition})`;
    return `${nickOf(check.refused, scenario)} is refused${why}`;
  }
  return `Done: ${actInWords(check.did, scenario)}`;
}

function countInWords(count: number | { readonly atLeast: number }): string {
  return typeof count === 'number' ? (count === 0 ? 'No' : String(count)) : `At least ${count.atLeast}`;
}

function patternInWords(
  { on = 'link', link, name, type, from, to, has, lost, xml }: StanzaPattern,
  scenario: Scenario,
  one: boolean,
): string {
  const kind = name === 'iq' ? (has ?? 'iq') : name === undefined ? 'stanza' : name;
  const what = `${type === 'error' ? 'error, a ' : ''}${kind}${one || kind === 'presence' ? '' : 's'}`;
  const element = has !== undefined && name !== 'iq' ? ` with <${has}/>` : '';
  const text = xml === undefined ? '' : ` with ${xml}`;
  const whence = from === undefined ? '' : ` from ${nickOf(from, scenario)}`;
  const whither = to === undefined ? '' : ` to ${nickOf(to, scenario)}`;
  const where =
    link !== undefined
      ? ` on the link ${linkName(link)}`
      : on === 'link'
        ? ' on a link'
        : on === 'person'
          ? ' handed to people'
          : ' sent';
  return `${what}${element}${text}${whence}${whither}${where}${lost ? ', lost at a cut' : ''}`;
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

const viewNames = {
  log: 'the log',
  spacetime: 'the space-time view',
  transcripts: 'the transcripts',
  counters: 'the counters',
  outline: 'the outline',
  inspector: 'the inspector',
} as const;

/** Something to look at: "the link avalon – killrc". */
export function focusInWords(focus: Focus, scenario: Scenario): string {
  if ('node' in focus) return nodeName(focus.node);
  if ('link' in focus) return `the link ${linkName(focus.link)}`;
  if ('person' in focus) return nickOf(focus.person, scenario);
  if ('server' in focus) return focus.server;
  return viewNames[focus.view];
}
