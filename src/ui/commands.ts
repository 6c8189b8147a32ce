import { sourcesOf } from '../scenario/instances.ts';
import type { LinkView } from './fold/links.ts';
import type { NodeView } from './fold/network.ts';
import type { DeviceView, OccupantView } from './fold/people.ts';
import type { Store } from './store.ts';
import { actingDevice, deviceName, devicesInside } from './words.ts';

/** What a menu, the outline and the keys offer for a thing: one list, so that every way leads to the same action. */
export interface Command {
  readonly id: string;
  readonly label: string;
  /** The label where there is little room; absent means the same. */
  readonly short?: string;
  readonly icon: string;
  /** Why it cannot be done now; absent means it can. */
  readonly not?: string;
  /** Opens a form instead of acting at once. */
  readonly run: () => void;
}

/** Forms that need more than a click. */
export interface Forms {
  slow(link: LinkView): void;
  /** `node`: of the primary, whose room is configured. */
  policy(node: NodeView): void;
  nick(who: OccupantView): void;
  speak(who: OccupantView): void;
  whisper(who: OccupantView): void;
  kick(who: OccupantView): void;
}

/** The page has one menu, with all of them. */
export function formsOfPage(): Forms {
  // The element is the class `Menu` of views/menu.ts, which the browser has under this name and the compiler has not.
  return document.querySelector('ns-menu') as unknown as Forms;
}

export function linkCommands(store: Store, link: LinkView, forms: Forms): readonly Command[] {
  const ends = link.ends;
  const cut = link.state !== 'up' && link.away === undefined;
  return [
    {
      id: 'cut-bounce',
      label: 'Cut (stanzas bounce)',
      short: 'Cut',
      icon: 'cut',
      ...(link.state === 'bounce' && cut ? { not: 'already cut in this way' } : {}),
      run: () => void store.act({ act: 'cut', link: ends, how: 'bounce' }),
    },
    {
      id: 'cut-silent',
      label: 'Cut silently (stanzas vanish)',
      short: 'Cut silently',
      icon: 'cut',
      ...(link.state === 'silent' ? { not: 'already cut in this way' } : {}),
      run: () => void store.act({ act: 'cut', link: ends, how: 'silent' }),
    },
    {
      id: 'heal',
      label: 'Heal',
      icon: 'heal',
      ...(cut ? {} : { not: link.away === undefined ? 'the link is up' : 'the real server is away' }),
      run: () => void store.act({ act: 'heal', link: ends }),
    },
    { id: 'slow', label: 'Slow…', icon: 'slow', run: () => forms.slow(link) },
  ];
}

export function nodeCommands(store: Store, node: NodeView, forms: Forms): readonly Command[] {
  const elsewhere = !store.session.runsNodes || node.phase === 'elsewhere' ? 'it runs in another page' : undefined;
  const down = node.phase === 'down' || node.phase === 'failed';
  const crashNot = elsewhere ?? (down ? 'it is down' : undefined);
  const restartNot = elsewhere ?? (down ? undefined : 'it is running');
  return [
    {
      id: 'crash',
      label: `Crash (${lossOf(node)})`,
      short: node.notKept === undefined ? 'Crash' : `Crash (${node.notKept === 'full' ? 'no room' : 'not kept'})`,
      icon: 'crash',
      ...(crashNot ? { not: crashNot } : {}),
      run: () => void store.act({ act: 'crash', node: node.address }),
    },
    {
      id: 'restart',
      label: node.notKept === 'denied' ? 'Restart without what it had' : 'Restart from its log',
      short: 'Restart',
      icon: 'restart',
      ...(restartNot ? { not: restartNot } : {}),
      run: () => void store.act({ act: 'restart', node: node.address }),
    },
    ...distributionCommands(store, node, forms, elsewhere),
  ];
}

/** What a crash would lose. */
function lossOf({ notKept }: NodeView): string {
  switch (notKept) {
    case undefined:
      return 'its log stays';
    case 'denied':
      return 'all that only it has is lost: nothing is kept';
    case 'full':
      return 'its log stays, but it cannot start until there is room';
  }
}

function distributionCommands(store: Store, node: NodeView, forms: Forms, elsewhere: string | undefined): Command[] {
  const not = elsewhere ? { not: elsewhere } : {};
  if (node.kind === 'replica') {
    const run = () => void store.act({ act: 'remove-replica', node: node.address });
    return [{ id: 'remove-replica', label: 'Remove this replica', icon: 'remove', ...not, run }];
  }
  const shadows = [...shadowCommands(store, node, not), ...sourceCommands(store, node, not)];
  if (!store.model.network.policyOf(node)) return shadows;
  return [{ id: 'policy', label: 'While cut off…', icon: 'policy', ...not, run: () => forms.policy(node) }, ...shadows];
}

type Not = Pick<Command, 'not'> | Record<never, never>;

/** XEP-0281 §3.2: at every service but the firsthost, a shadow of each room that can have one. */
function shadowCommands(store: Store, node: NodeView, not: Not): Command[] {
  if (node.kind !== 'service') return [];
  const { scenario, network } = store.model;
  const sources = sourcesOf(scenario).filter(({ firsthost }) => firsthost.address !== node.address);
  return sources.flatMap(({ room: { jid: room } }): Command[] => {
    const of = sources.length > 1 ? ` of ${room}` : '';
    const at = { node: node.address, room };
    const shadow = network.shadowOf(node, room);
    const { distributed = false, peerhosts = [] } = network.sourceStatus(room)?.instance ?? {};
    const isAsked = shadow !== undefined || (distributed && peerhosts.includes(node.address));
    const add: Command = {
      id: 'add-shadow',
      label: `Make a shadow${of} here`,
      short: 'Add a shadow',
      icon: 'add',
      ...not,
      run: () => void store.act({ act: 'add-shadow', ...at }),
    };
    const remove: Command = {
      id: 'remove-shadow',
      label: shadow ? `Remove this shadow${of}` : `Ask no more for a shadow${of}`,
      short: shadow ? 'Remove the shadow' : 'Ask no more',
      icon: 'remove',
      ...not,
      run: () => void store.act({ act: 'remove-shadow', ...at }),
    };
    return [isAsked ? remove : add];
  });
}

/** XEP-0281 §3.1: whether the room is distributed at all. */
function sourceCommands(store: Store, node: NodeView, not: Not): Command[] {
  return store.model.network.roomsOf(node).flatMap(({ room, role, instance }): Command[] => {
    if (role !== 'source' || instance === undefined) return [];
    const distributed = !instance.distributed;
    return [
      {
        id: distributed ? 'distribute' : 'gather',
        label: distributed ? 'Distribute the room' : 'Distribute the room no more',
        short: distributed ? 'Distribute' : 'Distribute no more',
        icon: distributed ? 'add' : 'remove',
        ...not,
        run: () => void store.act({ act: 'configure', room, distributed }),
      },
    ];
  });
}

/** What can be done on a server: add a replica, where the primary serves the users itself. */
export function serverCommands(store: Store, domain: string): readonly Command[] {
  const not = store.session.runsNodes ? {} : { not: 'the nodes run in another page' };
  return store.model.network
    .vacancies()
    .filter(({ server }) => server === domain)
    .map(({ replicaOf }, _, all) => ({
      id: 'add-replica',
      label: all.length > 1 ? `Add a replica of ${replicaOf}` : 'Add a replica',
      icon: 'add',
      ...not,
      run: () => void store.act({ act: 'add-replica', server: domain, room: replicaOf }),
    }));
}

export function occupantCommands(store: Store, who: OccupantView, forms: Forms): readonly Command[] {
  const own = devicesInside(who).filter(({ mine }) => mine);
  const foreign = who.mine ? undefined : who.character ? 'another page plays them' : 'someone else’s client';
  const inside = foreign ?? (own.length > 0 ? undefined : 'not in the room');
  const outside = foreign ?? (own.length > 0 ? 'already in the room' : undefined);
  const spare = store.model.people.spareDevice(who);
  const further = inside ?? (spare === undefined ? 'enough devices are in the room' : undefined);
  const away = who.show === 'away';
  const alone = inside ?? (store.model.people.othersWith(who).length > 0 ? undefined : 'nobody else is in the room');
  return [
    ...offerCommands(store, who),
    { id: 'say', label: 'Say…', icon: 'say', ...(inside ? { not: inside } : {}), run: () => forms.speak(who) },
    {
      id: 'whisper',
      label: 'Whisper to…',
      short: 'Whisper…',
      icon: 'whisper',
      ...(alone ? { not: alone } : {}),
      run: () => forms.whisper(who),
    },
    {
      id: 'join',
      label: 'Join the room',
      short: 'Join',
      icon: 'join',
      ...(outside ? { not: outside } : {}),
      run: () => void store.act({ act: 'join', who: who.jid }),
    },
    ...sourceJoinCommands(store, who, outside),
    {
      id: 'join-device',
      label: own.length > 1 ? 'Join from another device' : 'Join from a second device',
      short: 'Add a device',
      icon: 'join',
      ...(further ? { not: further } : {}),
      run: () => void (spare && store.act({ act: 'join', who: spare })),
    },
    ...leaveCommands(store, who, own, inside),
    { id: 'nick', label: 'Change nick…', icon: 'nick', ...(inside ? { not: inside } : {}), run: () => forms.nick(who) },
    {
      id: 'away',
      label: away ? 'Be available again' : 'Be away',
      icon: 'away',
      ...(inside ? { not: inside } : {}),
      run: () => void store.act({ act: 'presence', who: actingDevice(who), show: away ? '' : 'away' }),
    },
    // Whether they may, the room says.
    { id: 'kick', label: 'Kick…', icon: 'kick', ...(alone ? { not: alone } : {}), run: () => forms.kick(who) },
  ];
}

/** XEP-0281 §3.5: the room sends them to another instance, and they are to decide. */
export function offerCommands(store: Store, { jid: who, offer }: OccupantView): Command[] {
  if (offer === undefined) return [];
  const [accept, decline] = [
    () => void store.act({ act: 'accept', who }),
    () => void store.act({ act: 'decline', who }),
  ];
  return [
    { id: 'accept', label: `Enter ${offer} instead`, short: 'Enter there', icon: 'join', run: accept },
    { id: 'decline', label: 'Stay outside', icon: 'leave', run: decline },
  ];
}

/** The wrong way in: a user of a service with a shadow enters at the source. */
function sourceJoinCommands(store: Store, who: OccupantView, not: string | undefined): Command[] {
  const { scenario, network } = store.model;
  const sources = sourcesOf(scenario);
  return sources.flatMap(({ room: { jid: room }, firsthost }): Command[] => {
    if (network.serverOf(who.jid) === firsthost.server) return [];
    const run = () => void store.act({ act: 'join', who: who.jid, room });
    return [
      {
        id: 'join-source',
        label: sources.length > 1 ? `Join ${room}` : 'Join at the source',
        short: 'Join at the source',
        icon: 'join',
        ...(not ? { not } : {}),
        run,
      },
    ];
  });
}

/** One for each device, where there are several. */
function leaveCommands(
  store: Store,
  who: OccupantView,
  own: readonly DeviceView[],
  not: string | undefined,
): Command[] {
  const leave = (jid: string) => () => void store.act({ act: 'leave', who: jid });
  const icon = 'leave';
  if (own.length > 1)
    return own.map(({ jid }) => {
      const name = deviceName(jid);
      return { id: `leave-${name}`, label: `Leave from ${name}`, icon, run: leave(jid) };
    });
  const run = leave(actingDevice(who));
  return [{ id: 'leave', label: 'Leave the room', short: 'Leave', icon, ...(not ? { not } : {}), run }];
}

/** Cuts a link that is up, heals one that is cut: the `x` key. */
export function toggleLink(store: Store, link: LinkView): void {
  const cut = link.state !== 'up';
  void store.act(cut ? { act: 'heal', link: link.ends } : { act: 'cut', link: link.ends, how: 'bounce' });
}

const toggles = ['remove-replica', 'add-shadow', 'remove-shadow'];

/** Crashes a node that runs, restarts one that is down: the `k` key. */
export function toggleNode(store: Store, node: NodeView, forms: Forms): void {
  const [crash, restart] = nodeCommands(store, node, forms);
  const command = [crash, restart].find((candidate) => !candidate?.not);
  if (command) command.run();
  else store.toast(`${node.address}: ${crash?.not ?? 'cannot be stopped here'}.`);
}

/** Removes a replica or a shadow, or adds one where there is none: the `r` key. */
export function toggleReplica(store: Store, node: NodeView | undefined, server: string, forms: Forms): void {
  const command = node
    ? nodeCommands(store, node, forms).find(({ id }) => toggles.includes(id))
    : serverCommands(store, server)[0];
  if (command && !command.not) command.run();
  else if (command) store.toast(`${node?.address ?? server}: ${command.not}.`);
}
