/** SHA-256 (FIPS 180-4) as lower-case hexadecimal. The core is synchronous, so it cannot ask the platform, which answers later. */
export function sha256(bytes: Uint8Array): string {
  const padded = new Uint8Array((((bytes.length + 8) >> 6) + 1) << 6);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 0x20000000));
  view.setUint32(padded.length - 4, bytes.length << 3);
  let state = primes(8).map((prime) => fraction(Math.sqrt(prime)));
  for (let at = 0; at < padded.length; at += 64) state = withBlock(state, view, at);
  return state.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

/** The first 32 bits of the fractional part: where the constants of the standard come from. */
function fraction(root: number): number {
  return ((root - Math.floor(root)) * 0x100000000) | 0;
}

function primes(count: number): number[] {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) if (found.every((prime) => n % prime !== 0)) found.push(n);
  return found;
}

const constants = primes(64).map((prime) => fraction(Math.cbrt(prime)));

function withBlock(state: readonly number[], view: DataView, at: number): number[] {
  const words = new Int32Array(64);
  const word = (t: number) => words[t] as number;
  for (let t = 0; t < 16; t++) words[t] = view.getInt32(at + 4 * t);
  for (let t = 16; t < 64; t++) {
    const s0 = rotated(word(t - 15), 7) ^ rotated(word(t - 15), 18) ^ (word(t - 15) >>> 3);
    const s1 = rotated(word(t - 2), 17) ^ rotated(word(t - 2), 19) ^ (word(t - 2) >>> 10);
    words[t] = (word(t - 16) + s0 + word(t - 7) + s1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state as [number, number, number, number, number, number, number, number];
  for (let t = 0; t < 64; t++) {
    const s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
    const chosen = (e & f) ^ (~e & g);
    const first = (h + s1 + chosen + (constants[t] as number) + word(t)) | 0;
    const s0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    [a, b, c, d, e, f, g, h] = [(first + s0 + majority) | 0, a, b, c, (d + first) | 0, e, f, g];
  }
  return [a, b, c, d, e, f, g, h].map((value, i) => ((state[i] as number) + value) | 0);
}

function rotated(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}
