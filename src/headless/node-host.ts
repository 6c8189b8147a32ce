import { createHash, createHmac, pbkdf2Sync, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { steadyClock } from '../host/steady-clock.ts';
import type { ServerHost } from '../server/host.ts';

/** The longest delay that setTimeout takes, in milliseconds. */
const timerMaxMs = 2 ** 31 - 1;

/** Node's clock, timers and cryptography for the embedded server. Its timers keep no process alive. */
export function nodeServerHost(log?: (line: string) => void): ServerHost {
  const now = steadyClock(
    () => Date.now(),
    () => performance.now(),
  );
  return {
    now,
    setTimer(at, fn) {
      const timer = setTimeout(fn, Math.min(timerMaxMs, Math.max(0, Math.ceil(at - now())))).unref();
      return () => clearTimeout(timer);
    },
    // Node draws the random bytes of many at a time.
    randomId: () => randomUUID().replaceAll('-', ''),
    random: () => Math.random(),
    crypto: nodeCrypto,
    ...(log === undefined ? {} : { log }),
  };
}

export const nodeCrypto: ServerHost['crypto'] = {
  sha1: (data) => createHash('sha1').update(data).digest(),
  hmacSha1: (key, data) => createHmac('sha1', key).update(data).digest(),
  pbkdf2Sha1: (password, salt, iterations) => pbkdf2Sync(password, salt, iterations, 20, 'sha1'),
  randomBytes: (length) => randomBytes(length),
  equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  toBase64: (data) => Buffer.from(data).toString('base64'),
  // Buffer skips what is not base64; a login must not.
  fromBase64: (text) =>
    /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)
      ? Buffer.from(text, 'base64')
      : undefined,
  toUtf8: (text) => Buffer.from(text, 'utf8'),
  fromUtf8: (data) => {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
    } catch {
      return undefined;
    }
  },
};
