// What every npm script runs. Plain JavaScript with nothing but Node's own modules at the top, so that one command on a
// fresh clone is enough: it installs what is missing, then goes on with modules that need the libraries.
import { fileURLToPath } from 'node:url';
import { pageOptions, startHelp, stopWith } from './arguments.mjs';
import { ensureInstalled, nodeTooOld } from './install.mjs';
import { endWithParent } from './orphan.mjs';
import { readFlags } from './settings.mjs';

const [command = '', ...args] = process.argv.slice(2);

/** Before a command in TypeScript: as if Node had been started with the file itself. @param {string} file */
async function prepare(file) {
  ensureInstalled();
  const { register } = await import('tsx/esm/api');
  register();
  process.argv = [process.execPath, fileURLToPath(new URL(file, import.meta.url)), ...args];
}

/** What the flags of the page and the file of --config say together. */
async function optionsOfFile() {
  const { tsImport } = await import('tsx/esm/api');
  /** @type {typeof import('./settings-file.ts')} */
  const { readSettings } = await tsImport('./settings-file.ts', import.meta.url);
  const settings = readSettings('start', args);
  if ('error' in settings) stopWith(2, settings.error);
  const options = pageOptions(settings.values, process.env);
  return 'error' in options ? stopWith(2, settings.told(options.error)) : options;
}

const old = nodeTooOld(process.versions.node);
if (old !== undefined) stopWith(1, old);
endWithParent();

switch (command) {
  case 'start':
  case 'dev':
  case 'preview': {
    const flags = readFlags('start', args);
    if ('error' in flags) stopWith(2, flags.error);
    if (flags.values['help'] === true) {
      console.log(startHelp(command));
      break;
    }
    // A mistake of a flag is told before anything is installed.
    const byFlags = pageOptions(flags.values, process.env);
    if ('error' in byFlags) stopWith(2, byFlags.error);
    ensureInstalled();
    const options = flags.values['config'] === undefined ? byFlags : await optionsOfFile();
    const { servePage } = await import('./page-server.mjs');
    await servePage(command, options);
    break;
  }
  case 'build': {
    if (args.includes('--help')) {
      console.log('npm run build\n\nWrites the page as static files to dist/.');
      break;
    }
    if (args.length > 0) stopWith(2, `npm run build takes no arguments, but got ${args[0]}`);
    ensureInstalled();
    const { buildPage } = await import('./page-server.mjs');
    await buildPage();
    break;
  }
  case 'package': {
    // npm asks for this after each installation, too: only for a package does it say where that comes from.
    if (process.env['npm_package_resolved'] === undefined) break;
    ensureInstalled();
    const { buildPage, isStale } = await import('./page-server.mjs');
    if (isStale()) await buildPage('warn');
    const { buildTesting } = await import('./testing-package.mjs');
    await buildTesting();
    const { buildNode } = await import('./node-package.mjs');
    await buildNode();
    break;
  }
  case 'serve': {
    await prepare('./serve.ts');
    await import('./serve.ts');
    break;
  }
  case 'component': {
    await prepare('./component.ts');
    await import('./component.ts');
    break;
  }
  case 'sim': {
    await prepare('./sim.ts');
    await import('./sim.ts');
    break;
  }
  case 'conformance': {
    await prepare('./conformance.ts');
    await import('./conformance.ts');
    break;
  }
  case 'cost': {
    await prepare('./cost.ts');
    await import('./cost.ts');
    break;
  }
  case 'install':
    // Before a command of our own that needs the libraries, such as the tests.
    ensureInstalled();
    break;
  default:
    stopWith(
      2,
      `unknown command ${JSON.stringify(command)}: one of start, dev, serve, component, sim, conformance, cost, build, preview, install, package`,
    );
}
