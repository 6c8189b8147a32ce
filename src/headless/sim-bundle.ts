import { fileURLToPath } from 'node:url';
import { build, normalizePath, type Plugin } from 'vite';
import { root } from './install.mjs';

/** A change to a source file: `find` stands there once, and `replace` in its place. */
export interface Patch {
  /** Path from the project's folder. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/**
 * The simulator's thread (sim-thread.ts) with all that it needs, as one text: it starts at once in every thread, and
 * patches change the program for one of them alone, in memory.
 *
 * @throws Error if a patch does not fit its file
 */
export async function bundleThread(...patches: readonly Patch[]): Promise<URL> {
  const built = await build({
    root,
    configFile: false,
    envFile: false,
    publicDir: false,
    logLevel: 'error',
    plugins: patches.map(patching),
    ssr: { noExternal: true },
    build: {
      ssr: fileURLToPath(new URL('./sim-thread.ts', import.meta.url)),
      write: false,
      minify: false,
      target: 'node20',
    },
  });
  const outputs = [built].flat().flatMap((one) => ('output' in one ? one.output : []));
  const [chunk, ...more] = outputs;
  if (chunk?.type !== 'chunk' || more.length > 0) throw new Error('the simulator is not one file');
  return new URL(`data:text/javascript;base64,${Buffer.from(chunk.code).toString('base64')}`);
}

function patching({ file, find, replace }: Patch): Plugin {
  let done = false;
  return {
    name: 'planted-bug',
    enforce: 'pre',
    transform(code, id) {
      if (id !== normalizePath(root + file)) return undefined;
      const parts = code.split(find);
      if (parts.length !== 2)
        throw new Error(`${file}: ${JSON.stringify(find)} stands there ${parts.length - 1} times`);
      done = true;
      return parts.join(replace);
    },
    buildEnd(error) {
      if (!error && !done) throw new Error(`${file} is no part of the simulator`);
    },
  };
}
