import type { Jid } from '../core/xmpp/jid.ts';
import { domainOf, jid } from '../core/xmpp/jid.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';
import type { InstanceLink } from './instance-link.ts';
import { all, available, from, to } from './like.ts';
import { NotOffered, type Script } from './script.ts';
import type { Stage } from './stage.ts';

const links = new WeakMap<Stage, InstanceLink>();

/** The one link of the run: an instance is made once. */
export function setLink(stage: Stage, link: InstanceLink): InstanceLink {
  links.set(stage, link);
  return link;
}

export function linkOf(stage: Stage): InstanceLink {
  const link = links.get(stage);
  if (link === undefined) throw new NotOffered('the two instances are not linked');
  return link;
}

/** What our instance does by itself. */
export function instanceReflex(stage: Stage): (stanza: Stanza) => readonly Stanza[] {
  return (stanza) => links.get(stage)?.reflex(stanza) ?? [];
}

/** A user of ours is in at our instance, and a user of the peer's sees them. */
export function* oursIsIn(stage: Stage, name: string, witness: Jid): Script<Jid> {
  const link = linkOf(stage);
  const user = stage.ours(name);
  const nick = stage.nick(name);
  stage.leavesAfter(() => link.leave(user, nick));
  yield* stage.send(link.presence(user, nick));
  yield* stage.expect(all(available, from(stage.at(link.peer, name)), to(witness)));
  return user;
}

/** A user of the peer's enters its instance. */
export function* theirsIsIn(stage: Stage, name: string): Script<Jid> {
  const user = stage.theirs(name);
  yield* stage.enters(user, stage.at(linkOf(stage).peer, name));
  return user;
}

export function serviceOf(address: Jid): Jid {
  return jid(domainOf(address));
}
