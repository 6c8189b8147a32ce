import { describe, expect, it } from 'vitest';
import { costOf } from '../../../src/cost/model.ts';
import { designIds } from '../../../src/cost/scenario.ts';
import type { Traffic } from '../../../src/cost/traffic.ts';
import { measure } from '../../../src/headless/cost-measure.ts';
import { howMany } from '../../support/long.ts';
import { randomNetwork } from './networks.ts';

/** How far the formula is from what was counted, in percent. */
function off({ stanzas, bytes }: Traffic, counted: Traffic): { readonly stanzas: number; readonly bytes: number } {
  const percent = (one: number, other: number) => (one === other ? 0 : Math.abs((100 * (one - other)) / other));
  return { stanzas: percent(stanzas, counted.stanzas), bytes: percent(bytes, counted.bytes) };
}

const seeds = Array.from({ length: howMany(3, 20) }, (_, i) => i + 1);

describe('the formulas agree with the simulator on random networks, within 5 % in stanzas and 10 % in bytes', () => {
  it.each(seeds)('seed %i', (seed) => {
    const network = randomNetwork(seed);
    for (const id of designIds) {
      const [model, counted] = [costOf(network, id), measure(network, id, seed, false)];
      for (const part of ['linking', 'joins', 'messages', 'churn'] as const) {
        const formula = model[part];
        if (formula === undefined) continue;
        const { stanzas, bytes } = off(formula, counted[part]);
        expect(stanzas, `stanzas: ${id}, ${part} of ${JSON.stringify(network)}`).toBeLessThan(5);
        expect(bytes, `bytes: ${id}, ${part} of ${JSON.stringify(network)}`).toBeLessThan(10);
      }
      // The joins of a mesh come with presence that finds its rings.
      if (id !== '0289-mesh')
        expect(counted.linking.deliveries + counted.joins.deliveries).toBe(model.deliveries.joins);
      expect(counted.messages.deliveries).toBe(model.deliveries.messages);
      expect(counted.churn.deliveries).toBe(model.deliveries.churn);
      expect(Math.abs(model.lastDeliveryMs - counted.lastDeliveryMs) / counted.lastDeliveryMs).toBeLessThan(0.1);
    }
  });
});
