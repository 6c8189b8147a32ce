import type { Instant } from '../core/xmpp/time.ts';

/** What the server asks of the machine it runs on: nothing in this folder reaches for a clock, a timer or a die. */
export interface ServerHost {
  now(): Instant;
  /** Calls `fn` once, at `at` or as soon after it as possible. */
  setTimer(at: Instant, fn: () => void): Cancel;
  /** 128 random bits as text that may stand in an XML attribute. */
  randomId(): string;
  /** A number of [0, 1), for the jitter of links. Nothing secret depends on it. */
  random(): number;
  readonly crypto: ServerCrypto;
  /** For a log on the host's side: never a password, never a body. */
  log?(line: string): void;
}

export type Cancel = () => void;

/** Synchronous primitives for SASL (RFC 5802, RFC 4616). */
export interface ServerCrypto {
  sha1(data: Uint8Array): Uint8Array;
  hmacSha1(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** `Hi()` of RFC 5802 §2.2. */
  pbkdf2Sha1(password: Uint8Array, salt: Uint8Array, iterations: number): Uint8Array;
  randomBytes(length: number): Uint8Array;
  /** Compares in a time that depends on the lengths only. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
  toBase64(data: Uint8Array): string;
  /** @returns undefined if the text is not strict base64 */
  fromBase64(text: string): Uint8Array | undefined;
  toUtf8(text: string): Uint8Array;
  /** @returns undefined if the bytes are not UTF-8 */
  fromUtf8(data: Uint8Array): string | undefined;
}
