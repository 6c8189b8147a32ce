// A command is `npm run serve -- …` in the project's folder, and `netsplit serve …` where the package is installed.

/** Whether this is the package. node-package.mjs makes it true in what it builds: what needs the sources is left out there. */
export const isInstalled = false;

/** How a command is called, up to its flags. @param {string} command */
export function called(command) {
  if (isInstalled) return `netsplit ${command}`;
  return command === 'start' ? 'npm start --' : `npm run ${command} --`;
}
