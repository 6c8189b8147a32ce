// What every npm script runs. Plain JavaScript with nothing but Node's own modules at the top, so that one command on a
// fresh clone is enough: it installs what is missing, then goes on with modules that need the libraries.
import { fileURLToPath } from 'node:url';
import { parsePageArguments, startHelp, stopWith } from './arguments.mjs';
import { ensureInstalled, nodeTooOld } from './install.mjs';
import { endWithParent } from './orphan.mjs';

const [command = '', ...args] = process.argv.slice(2);

/** Before a command in TypeScript: as if Node had been started with the file itself. @param {string} file */
async function prepare(file) {
  ensureInstalled();
  const { register } = await import('tsx/esm/api');
  register();
  process.argv = [process.execPath, fileURLToPath(new URL(file, import.meta.url)), ...args];
}

const old = nodeTooOld(process.versions.node);
if (old !== undefined) stopWith(1, old);
endWithParent();

switch (command) {
  case 'start':
  case 'dev':
  case 'preview': {
    const parsed = parsePageArguments(args, process.env);
    if (!parsed.ok) stopWith(2, parsed.error);
    if (parsed.help) {
      console.log(startHelp(command));
      break;
    }
    ensureInstalled();
    const { servePage } = await import('./page-server.mjs');
    await servePage(command, parsed.options);
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
  case 'install':
    // Before a command of our own that needs the libraries, such as the tests.
    ensureInstalled();
    break;
  default:
    stopWith(
      2,
      `unknown command ${JSON.stringify(command)}: one of start, dev, serve, component, sim, build, preview, install, package`,
    );
}
