import type { Jid } from '../core/xmpp/jid.ts';
import { all, available, from, groupchat, says, to } from './like.ts';
import { enters, type InitialState, ReplicaLink } from './replica-link.ts';
import type { Script } from './script.ts';
import type { Stage } from './stage.ts';

/** Our replica and those in the room. Who was not asked for is not in. */
export interface Together {
  readonly link: ReplicaLink;
  readonly state: InitialState | undefined;
  /** Behind our replica. */
  readonly efchen: Jid;
  readonly bigCheese: Jid;
  /** Served by the primary itself. */
  readonly wumpus: Jid;
}

/** The replica is there, these of its users are in, and perhaps one whom the primary serves itself. */
export function* together(
  stage: Stage,
  behind: readonly ('Efchen' | 'BigCheese')[],
  direct?: 'Wumpus',
): Script<Together> {
  const [efchen, bigCheese, wumpus] = [stage.ours('Efchen'), stage.ours('BigCheese'), stage.theirs('Wumpus')];
  if (direct) yield* stage.enters(wumpus, stage.at(stage.peer, direct));
  const link = new ReplicaLink(stage);
  const state = stage.extension ? yield* link.created() : undefined;
  for (const name of behind) yield* entersBehind(stage, name);
  return { link, state, efchen, bigCheese, wumpus };
}

/** A user enters behind our replica, which has been asked to serve them. */
export function* entersBehind(stage: Stage, name: string): Script {
  const [user, occupant] = [stage.ours(name), stage.at(stage.peer, name)];
  yield* stage.asksIn(user, occupant);
  yield* stage.expect(all(available, from(occupant), to(stage.node), enters(user)));
}

/** A user whom the primary serves itself says something, and has it. */
export function* primarySaysThere(stage: Stage, user: Jid, name: string, text: string): Script {
  yield* stage.says(user, stage.peer, text);
  yield* stage.expect(all(groupchat, from(stage.at(stage.peer, name)), to(user), says(text)));
}
