/** The little of the Trusted Types API that the page uses; not every browser has it, nor TypeScript's own DOM types. */
interface TrustedTypes {
  createPolicy<T>(name: string, rules: T): T;
}

const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };

/**
 * The one door for what the page loads as script: workers of its own origin. Markup from strings has none, so with the
 * policy that the server sends (`require-trusted-types-for 'script'`) the browser itself refuses any that slipped in.
 */
export function allowOwnScripts(): void {
  trustedTypes?.createPolicy('default', {
    createScriptURL(url: string) {
      if (new URL(url, location.href).origin === location.origin) return url;
      throw new TypeError(`a script of another origin: ${url}`);
    },
  });
}

// The browser counts XML for DOMParser as markup too, though a document parsed as text/xml is never shown nor run.
const xml = { createHTML: (text: string) => text };
const policy = trustedTypes?.createPolicy('netsplit-xml', xml) ?? xml;

/** Parses a stanza into a document of its own, to be read and never to be put into the page. */
export function parseXml(text: string): Document {
  return new DOMParser().parseFromString(policy.createHTML(text), 'text/xml');
}
