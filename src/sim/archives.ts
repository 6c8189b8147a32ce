import type { RoomConfig } from '../core/room/config.ts';
import type { HistoryItem } from '../core/room/event.ts';
import type { RoomImage } from '../core/room/snapshot.ts';
import { rsm } from '../core/xep/xep0059.ts';
import { mam } from '../core/xep/xep0313.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import { iq, payloadOf, type Stanza } from '../core/xmpp/stanza.ts';
import { el } from '../core/xmpp/xml.ts';
import type { Aftermath } from './aftermath.ts';
import type { Plan } from './plan.ts';
import type { Prng } from './prng.ts';
import type { Step } from './step.ts';

/** Times that the clock of a machine is set, at most. */
export const clocksMax = 2;

/** The same plan, where in some runs the clocks of machines are set by up to three hours. */
export function withClocks(plan: Plan, prng: Prng): Plan {
  if (prng.chance(0.7)) return plan;
  const end = plan.steps.reduce((last, { at }) => Math.max(last, at), 0);
  const steps = Array.from({ length: clocksMax }, (): Step => {
    const byMs = Math.round(3 * 3_600_000 * (2 * prng.unit() - 1));
    const { address } = prng.pick(plan.layout.nodes);
    return { at: prng.below(end + 1), luck: prng.bits(), kind: 'clock', node: address, byMs };
  });
  return { ...plan, steps: [...plan.steps, ...steps] };
}

/** Steps that come to a plan, at most: half of them while there are faults, and half when all is healed. */
export const looksMax = 40;

/**
 * The same plan, where in half of the runs the archives of the rooms may be read (XEP-0313): people look things up at any moment,
 * from rooms that have all of it at hand, or very little.
 */
export function withArchives(plan: Plan, prng: Prng): Plan {
  if (prng.chance(0.5)) return plan;
  // Nodes tell each other of what they have at hand (decision #222): it has to be more than a split may hold.
  const count = prng.pick([1, 4, 12, 1000]);
  const atHand = plan.mode === 'plain' ? count : 1000;
  const settings: Partial<RoomConfig> = {
    logging: true,
    atHandLimits: { count: atHand, bytes: 1024 * 1024, asks: true },
  };
  const nodes = plan.layout.nodes.map((node) =>
    node.kind === 'service'
      ? { ...node, rooms: node.rooms.map((room) => ({ ...room, ...settings })) }
      : { ...node, room: { ...node.room, ...settings } },
  );
  const end = plan.steps.reduce((last, { at }) => Math.max(last, at), 0);
  const looks = (most: number): Step[] =>
    Array.from({ length: looksMax / 2 }, () => ({
      at: prng.below(most + 1),
      luck: prng.bits(),
      kind: 'look',
      user: prng.pick(plan.people).jid,
      max: 1 + prng.below(10),
      back: prng.chance(0.5),
    }));
  return {
    ...plan,
    layout: { ...plan.layout, nodes },
    steps: [...plan.steps, ...looks(end)],
    afterwards: [...plan.afterwards, ...looks(60_000)],
  };
}

/** What a client asks an archive (XEP-0313 §4.1): its first page, or its last. */
export function look({ user, max, back, luck }: Extract<Step, { kind: 'look' }>, room: Jid): Stanza {
  const set = el('set', rsm, {}, el('max', rsm, {}, String(max)), ...(back ? [el('before', rsm)] : []));
  return iq(user, room, { type: 'set', id: `look${luck}` }, el('query', mam, { queryid: String(luck) }, set));
}

/** Whether it is one message of a page. */
export function isFromArchive(stanza: Stanza): boolean {
  return stanza.name === 'message' && payloadOf(stanza, 'result', mam) !== undefined;
}

/** All that a node keeps of a room's messages, at hand or not. */
export function historyOf(
  seat: NonNullable<ReturnType<Aftermath['seats']['get']>>,
  room: RoomImage,
): readonly HistoryItem[] {
  return seat.archive?.(room.room) ?? room.history;
}
