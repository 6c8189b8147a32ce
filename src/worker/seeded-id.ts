import { Prng } from '../sim/prng.ts';

/** Ids that are the same in every run with the same seed. */
export function seededIds(seed: string): () => string {
  let bits = 0;
  for (let i = 0; i < seed.length; i++) bits = (Math.imul(bits, 31) + seed.charCodeAt(i)) | 0;
  const prng = new Prng(bits);
  return () => prng.id();
}
