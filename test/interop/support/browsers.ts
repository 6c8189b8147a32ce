import { noFirefox, startFirefox } from './firefox.ts';
import type { Driver } from './web-driver.ts';
import { noWebKit, startWebKit } from './webkit.ts';

/** A browser other than the one of the end-to-end tests. */
export interface OtherBrowser {
  readonly name: string;
  start(): Promise<Driver>;
  /** Why it cannot be started here; undefined: it can. */
  readonly missing: string | undefined;
}

export const otherBrowsers: readonly OtherBrowser[] = [
  { name: 'Firefox', start: startFirefox, missing: noFirefox },
  { name: 'WebKitGTK', start: startWebKit, missing: noWebKit },
];
