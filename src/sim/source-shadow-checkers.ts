import type { Checker } from './judge.ts';
export const sourceShadowCheckers: Readonly<Record<string, Checker>> = {};
