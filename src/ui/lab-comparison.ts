import type { VariantId } from '../scenario/variant-nodes.ts';
import type { MessageCost } from './fold/costs.ts';
import type { LinkView } from './fold/links.ts';
import type { Store } from './store.ts';

/** `window.lab.comparison()`: the run that is shown (`here`), and the same run in another protocol (`there`). */
export interface LabComparisonView {
  readonly variant: VariantId;
  /** Acts so far that cannot be done there, and were left out. */
  readonly leftOut: number;
  readonly links: readonly {
    readonly link: string;
    readonly here: ComparedTraffic;
    readonly there: ComparedTraffic;
    /** Stanzas here for each one there; absent if there is none there. */
    readonly ratio?: number;
  }[];
  readonly messages: readonly {
    /** The event with which it entered its server here. */
    readonly id: number;
    readonly who: string;
    readonly body: string;
    readonly here: ComparedCost;
    /** Absent if it was not sent there. */
    readonly there?: ComparedCost;
    /** Stanzas on links here for each one there; absent if there is none there. */
    readonly ratio?: number;
    /** Whether it was delivered to the same users in both; absent while it is under way. */
    readonly sameDeliveries?: boolean;
  }[];
}

export interface ComparedTraffic {
  readonly stanzas: number;
  readonly bytes: number;
  readonly dropped: number;
}

export interface ComparedCost {
  /** Stanzas that crossed a link, their bytes, and stanzas that a cut link lost. */
  readonly crossed: number;
  readonly bytes: number;
  readonly lost: number;
  /** Copies handed to users. */
  readonly deliveries: number;
  /** From when it was sent to its last delivery so far, in milliseconds of the run; absent if there was none. */
  readonly lastDeliveryMs?: number;
}

/** @returns undefined if the run is compared with none */
export function comparisonIn(store: Store): LabComparisonView | undefined {
  const { comparison, told } = store;
  if (comparison === undefined) return undefined;
  return {
    variant: comparison.run.variant.id,
    leftOut: comparison.leftOut,
    links: comparison.links(told).map(({ here, there }) => ({
      link: here.key,
      here: trafficOf(here),
      there: trafficOf(there),
      ...ratioOf(here.stanzas, there.stanzas),
    })),
    messages: store.compared(comparison, told).map(({ here, there, same }) => ({
      id: here.id,
      who: here.who,
      body: here.body,
      here: costOf(here),
      ...(there === undefined ? {} : { there: costOf(there), ...ratioOf(here.crossed, there.crossed) }),
      ...(same === undefined ? {} : { sameDeliveries: same }),
    })),
  };
}

function trafficOf({ stanzas, bytes, dropped }: LinkView): ComparedTraffic {
  return { stanzas, bytes, dropped };
}

function costOf({ crossed, crossedBytes: bytes, lost, recipients, lastDelivery, t }: MessageCost): ComparedCost {
  const last = lastDelivery === undefined ? {} : { lastDeliveryMs: lastDelivery - t };
  return { crossed, bytes, lost, deliveries: recipients.length, ...last };
}

function ratioOf(here: number, there: number): { readonly ratio?: number } {
  return there === 0 ? {} : { ratio: here / there };
}
