import type { PlainCost } from '../../src/host/control.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { inputOf, insideOf } from '../../src/ui/baseline.ts';
import type { Model } from '../../src/ui/fold/model.ts';
import { PlainRooms } from '../../src/worker/plain-rooms.ts';

/** What a message of somebody would cost if all who are in sat in one plain room. */
export function plainCost(scenario: Scenario, model: Model, from: string, room: string): PlainCost | undefined {
  const xml = `<message from="${from}" to="${room}" type="groupchat"><body>Hello</body></message>`;
  const server = model.network.serverOf(from) ?? '';
  const stanza = { name: 'message', from, to: room, type: 'groupchat', xml, bytes: xml.length } as const;
  const said = inputOf({ kind: 'hop', seq: 1, t: 0 as never, leg: 'in', from, to: server, stanza }, scenario, model);
  if (said === undefined) return undefined;
  return new PlainRooms(scenario).take([...insideOf(scenario, model), said])[0];
}
