import { nothingVanishes, statesGoUnanswered } from './checkers/answers.ts';
import { bouncesAreNoticed } from './checkers/bounces.ts';
import { sameState } from './checkers/copies.ts';
import { leavesOnce, nothingBeforeReady, onlyWhoAsked } from './checkers/entering.ts';
import { jidsOfReplicas } from './checkers/jids.ts';
import { lostByBounceAlone, lostBySilenceAlone } from './checkers/links.ts';
import { epochs, gapFree, nothingMissed } from './checkers/sequence.ts';
import { silenceIsFound, silentWhileSplit } from './checkers/splits.ts';
import type { Checker } from './judge.ts';

/** The invariants of XEP-0282, beside those of all protocols. */
export const primaryReplicaCheckers: Readonly<Record<string, Checker>> = {
  'D-a': gapFree,
  'D-b': nothingMissed,
  'D-c/f': sameState,
  'D-d': silentWhileSplit,
  'D-e': epochs,
  'D-g': silenceIsFound,
  'D-h': onlyWhoAsked,
  'D-12': leavesOnce,
  'D-5': nothingBeforeReady,
  'D-6': jidsOfReplicas,
  'D-3': lostBySilenceAlone('D-3'),
  'D-10': bouncesAreNoticed,
  'D-13': lostByBounceAlone('D-13'),
  'D-130': nothingVanishes,
  'D-133': statesGoUnanswered,
};
