import { spawnSync } from 'node:child_process';
import { ensureXmllint } from './find-xmllint.mjs';

/** Runs xmllint on a text. @returns what it complains of, a line each */
export function xmllint(xml: string, ...args: readonly string[]): readonly string[] {
  const { status, stderr, error } = spawnSync(ensureXmllint(), ['--noout', '--nonet', '--huge', ...args, '-'], {
    input: xml,
    encoding: 'utf8',
    maxBuffer: 1e8,
  });
  if (error !== undefined) throw error;
  if (status === 0) return [];
  const lines = stderr.split('\n').filter((line) => /^-:\d+: .*error/.test(line));
  if (lines.length === 0) throw new Error(`xmllint failed: ${stderr}`);
  return lines;
}
