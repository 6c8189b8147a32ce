import { domainOf, resourceOf } from '../core/xmpp/jid.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';
import { PrimaryLink } from './primary-link.ts';
import type { Stage } from './stage.ts';

const links = new WeakMap<Stage, PrimaryLink>();

/** Our room as the primary: one for the whole run, since its epoch and its positions go on. */
export function primaryOf(stage: Stage): PrimaryLink {
  const link = links.get(stage) ?? new PrimaryLink(stage);
  links.set(stage, link);
  return link;
}

/** What our room does by itself: it answers requests of its replica, and confirms that a user has left. */
export function startPrimary(stage: Stage): (stanza: Stanza) => readonly Stanza[] {
  const link = primaryOf(stage);
  return (stanza) => {
    const { name, type, from, to } = stanza;
    if (name !== 'presence' || type !== 'unavailable' || domainOf(from) !== stage.setting.users)
      return link.reflex(stanza);
    return link.hasIn(from) ? link.leave(from, resourceOf(to)) : [];
  };
}
