import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { build } from 'vite';
import { root } from './install.mjs';

/**
 * Writes `netsplit/testing` for those who install the package: Node runs no TypeScript below node_modules. One file of
 * JavaScript, whose packages stay outside, and the types in a file for each source.
 */
export async function buildTesting() {
  const outDir = `${root}dist/testing/`;
  rmSync(outDir, { recursive: true, force: true });
  await build({
    root,
    configFile: false,
    envDir: false,
    publicDir: false,
    logLevel: 'warn',
    build: { ssr: `${root}src/testing/index.ts`, outDir, minify: false, target: 'node20' },
  });
  const emit = ['--noEmit', 'false', '--emitDeclarationOnly', '--declaration', '--rootDir', 'src'];
  const compiled = spawnSync(
    process.execPath,
    [`${root}node_modules/typescript/bin/tsc`, '-p', 'src/testing', ...emit, '--outDir', `${outDir}types`],
    { cwd: root, stdio: 'inherit' },
  );
  if (compiled.status !== 0) throw new Error('the types of netsplit/testing cannot be written');
}
