import { readTextFile } from './text-file.ts';

export const secretVariable = 'NETSPLIT_COMPONENT_SECRET';

/** @param text  HOST:PORT, an IPv6 address in brackets */
export function hostAndPort(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, host = '', portText = ''] = /^(?:\[(?=.*\]:))?(.+?)\]?:(\d{1,5})$/.exec(text) ?? [];
  const port = Number(portText);
  return host === '' || port < 1 || port > 65535 ? undefined : { host, port };
}

/** The secret of a component: from a file, else from the environment. */
export function readSecret(file: string | undefined, env: NodeJS.ProcessEnv): string | { readonly error: string } {
  if (file === undefined) {
    const secret = env[secretVariable];
    return secret ? secret : { error: `a secret is needed: --secret-file FILE, or the variable ${secretVariable}` };
  }
  const text = readTextFile(file);
  if (typeof text !== 'string') return { error: `--secret-file: ${text.error}` };
  const secret = text.replace(/\r?\n$/, '');
  return secret === '' ? { error: `--secret-file: ${file} is empty` } : secret;
}
