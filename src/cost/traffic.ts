import { type Stanza, stanzaLength } from '../core/xmpp/stanza.ts';

/** What crosses links between servers. */
export interface Traffic {
  readonly stanzas: number;
  /** UTF-8 length of the stanzas as serialised, without framing and TLS. */
  readonly bytes: number;
}

export const nothing: Traffic = { stanzas: 0, bytes: 0 };

/** So many of one kind, each as long as the sample. */
export function times(count: number, sample: Stanza | number): Traffic {
  return { stanzas: count, bytes: count * (typeof sample === 'number' ? sample : stanzaLength(sample)) };
}

export function sum(...parts: readonly Traffic[]): Traffic {
  let [stanzas, bytes] = [0, 0];
  for (const part of parts) {
    stanzas += part.stanzas;
    bytes += part.bytes;
  }
  return { stanzas, bytes };
}

export function scaled({ stanzas, bytes }: Traffic, by: number): Traffic {
  return { stanzas: stanzas * by, bytes: bytes * by };
}

/** Milliseconds that so many bytes take to leave. @param bytesPerSecond  0: unlimited */
export function sendingMs(bytes: number, bytesPerSecond: number): number {
  return bytesPerSecond === 0 ? 0 : (bytes * 1_000) / bytesPerSecond;
}
