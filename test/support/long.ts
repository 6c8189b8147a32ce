/** `npm run test:long`: a test that tries many things tries them all, where it is content with some of them in `npm test`. */
export const isLong = process.env['NETSPLIT_TESTS'] === 'long';

export function howMany(usually: number, long: number): number {
  return isLong ? long : usually;
}
