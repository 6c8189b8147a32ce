/** The part of the Trusted Types API that the page uses. Not every browser has it, and TypeScript's DOM types do not. */
interface TrustedTypes {
  createPolicy<T>(name: string, rules: T): T;
}

const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };

/**
 * Allows scripts of the page's own origin: its workers. Nothing allows markup from strings, so with the policy that the
 * server sends (`require-trusted-types-for 'script'`) the browser itself refuses any that slipped in.
 */
export function allowOwnScripts(): void {
  trustedTypes?.createPolicy('default', {
    createScriptURL(url: string) {
      if (new URL(url, location.href).origin === location.origin) return url;
      throw new TypeError(`a script of another origin: ${url}`);
    },
  });
}

// To the browser, XML for DOMParser is markup too, although a document parsed as text/xml is never shown or run.
const xml = { createHTML: (text: string) => text };
const policy = trustedTypes?.createPolicy('netsplit-xml', xml) ?? xml;

/** Parses a stanza into a document of its own, to be read and never to be put into the page. */
export function parseXml(text: string): Document {
  return new DOMParser().parseFromString(policy.createHTML(text), 'text/xml');
}
