import covenJson from '../../src/scenario/coven.json' with { type: 'json' };
import plainJson from '../../src/scenario/plain.json' with { type: 'json' };
import type { Scenario } from '../../src/scenario/scenario.ts';
import wallopsJson from '../../src/scenario/wallops.json' with { type: 'json' };
import wonderlandJson from '../../src/scenario/wonderland.json' with { type: 'json' };

export const wallops = wallopsJson as unknown as Scenario;
export const wonderland = wonderlandJson as unknown as Scenario;
export const plain = plainJson as unknown as Scenario;
export const coven = covenJson as unknown as Scenario;
