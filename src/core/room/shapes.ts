/** Nicks by what they look like: skeleton.ts. */
import { skeleton } from './skeleton.ts';

export function addShape(shapes: Map<string, readonly string[]>, nick: string): void {
  const shape = skeleton(nick);
  const alike = shapes.get(shape);
  shapes.set(shape, alike === undefined ? [nick] : [...alike, nick]);
}

export function removeShape(shapes: Map<string, readonly string[]>, nick: string): void {
  const shape = skeleton(nick);
  const alike = (shapes.get(shape) ?? []).filter((other) => other !== nick);
  if (alike.length > 0) shapes.set(shape, alike);
  else shapes.delete(shape);
}
