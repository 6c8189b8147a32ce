import type { LinkView, NodeView, OccupantView } from './model.ts';
import type { Store } from './store.ts';

/** What a menu, the outline and the keys offer for a thing: one list, so that every way leads to the same action. */
export interface Command {
  readonly id: string;
  readonly label: string;
  readonly icon: string;
  /** Why it cannot be done now; absent means it can. */
  readonly not?: string;
  /** Opens a form instead of acting at once. */
  readonly run: () => void;
}

/** Forms that need more than a click. */
export interface Forms {
  slow(link: LinkView): void;
  nick(who: OccupantView): void;
  speak(who: OccupantView): void;
}

export function linkCommands(store: Store, link: LinkView, forms: Forms): readonly Command[] {
  const ends = link.ends;
  const cut = link.state !== 'up';
  return [
    {
      id: 'cut-bounce',
      label: 'Cut (stanzas bounce)',
      icon: 'cut',
      ...(link.state === 'bounce' ? { not: 'already cut so' } : {}),
      run: () => void store.act({ act: 'cut', link: ends, how: 'bounce' }),
    },
    {
      id: 'cut-silent',
      label: 'Cut silently (stanzas vanish)',
      icon: 'cut',
      ...(link.state === 'silent' ? { not: 'already cut so' } : {}),
      run: () => void store.act({ act: 'cut', link: ends, how: 'silent' }),
    },
    {
      id: 'heal',
      label: 'Heal',
      icon: 'heal',
      ...(cut ? {} : { not: 'the link is up' }),
      run: () => void store.act({ act: 'heal', link: ends }),
    },
    { id: 'slow', label: 'Slow…', icon: 'slow', run: () => forms.slow(link) },
  ];
}

export function nodeCommands(store: Store, node: NodeView): readonly Command[] {
  const elsewhere = !store.session.runsNodes || node.phase === 'elsewhere' ? 'it runs in another page' : undefined;
  const down = node.phase === 'down' || node.phase === 'failed';
  const crashNot = elsewhere ?? (down ? 'it is down' : undefined);
  const restartNot = elsewhere ?? (down ? undefined : 'it is running');
  return [
    {
      id: 'crash',
      label: 'Crash (its log stays)',
      icon: 'crash',
      ...(crashNot ? { not: crashNot } : {}),
      run: () => void store.act({ act: 'crash', node: node.address }),
    },
    {
      id: 'restart',
      label: 'Restart from its log',
      icon: 'restart',
      ...(restartNot ? { not: restartNot } : {}),
      run: () => void store.act({ act: 'restart', node: node.address }),
    },
  ];
}

export function occupantCommands(store: Store, who: OccupantView, forms: Forms): readonly Command[] {
  const foreign = who.mine ? undefined : who.character ? 'another page plays them' : 'someone else’s client';
  const joined = who.phase === 'joined';
  const inside = foreign ?? (joined ? undefined : 'not in the room');
  const outside = foreign ?? (who.phase === 'joined' ? 'already in the room' : undefined);
  const away = who.show === 'away';
  return [
    { id: 'say', label: 'Say…', icon: 'say', ...(inside ? { not: inside } : {}), run: () => forms.speak(who) },
    {
      id: 'join',
      label: 'Join the room',
      icon: 'join',
      ...(outside ? { not: outside } : {}),
      run: () => void store.act({ act: 'join', who: who.jid }),
    },
    {
      id: 'leave',
      label: 'Leave the room',
      icon: 'leave',
      ...(inside ? { not: inside } : {}),
      run: () => void store.act({ act: 'leave', who: who.jid }),
    },
    { id: 'nick', label: 'Change nick…', icon: 'nick', ...(inside ? { not: inside } : {}), run: () => forms.nick(who) },
    {
      id: 'away',
      label: away ? 'Be available again' : 'Be away',
      icon: 'away',
      ...(inside ? { not: inside } : {}),
      run: () => void store.act({ act: 'presence', who: who.jid, show: away ? '' : 'away' }),
    },
  ];
}

/** Cuts a link that is up, heals one that is cut: the `x` key. */
export function toggleLink(store: Store, link: LinkView): void {
  const cut = link.state !== 'up';
  void store.act(cut ? { act: 'heal', link: link.ends } : { act: 'cut', link: link.ends, how: 'bounce' });
}

/** Crashes a node that runs, restarts one that is down: the `k` key. */
export function toggleNode(store: Store, node: NodeView): void {
  const command = nodeCommands(store, node).find((candidate) => !candidate.not);
  if (command) command.run();
  else store.toast(`${node.address}: ${nodeCommands(store, node)[0]?.not ?? 'cannot be stopped here'}.`);
}
