#!/usr/bin/env node
// The command of the installed package (node-package.mjs). In the project's folder setup.mjs does the same for npm's scripts.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { stopWith } from './arguments.mjs';
import { nodeTooOld, root } from './install.mjs';
import { endWithParent } from './orphan.mjs';

const commands = {
  start: 'serves the page and the embedded XMPP server on one port',
  serve: 'runs the embedded XMPP server and the rooms of a scenario, without a page',
  component: 'runs rooms as an external component (XEP-0114) of your own XMPP server',
  sim: 'the simulator: networks with people and faults, and invariants',
  bench: 'measures deliveries, joins and the store on this machine',
} as const;

const help = `netsplit COMMAND [FLAGS]

${Object.entries(commands)
  .map(([name, what]) => `  ${name.padEnd(10)}${what}`)
  .join('\n')}

  netsplit COMMAND --help  prints the flags of a command
  netsplit --version       prints the version`;

/** A program of its own in this folder. Its end is ours, and so are our signals. */
function runProgram(name: string, args: readonly string[]): void {
  const child = spawn(process.execPath, [`${import.meta.dirname}/${name}.js`, ...args], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  child.once('close', (status) => process.exit(status ?? 1));
}

const [command = '--help', ...args] = process.argv.slice(2);
const old = nodeTooOld(process.versions.node);
if (old !== undefined) stopWith(1, old);
endWithParent();
// As if Node had been started with the command's own file.
process.argv = [process.execPath, process.argv[1] ?? '', ...args];

switch (command) {
  case 'start':
    await import('./start.ts');
    break;
  case 'serve':
    await import('./serve.ts');
    break;
  case 'component':
    await import('./component.ts');
    break;
  case 'sim':
    await import('./sim.ts');
    break;
  case 'bench':
    runProgram('bench', args);
    break;
  case '--help':
  case '-h':
  case 'help':
    console.log(help);
    break;
  case '--version':
    console.log(JSON.parse(readFileSync(`${root}package.json`, 'utf8')).version);
    break;
  default:
    stopWith(2, `unknown command ${JSON.stringify(command)}: one of ${Object.keys(commands).join(', ')}`);
}
