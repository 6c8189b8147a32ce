import { type PanelSize, readSize, usual } from './panel-size.ts';
import { scales } from './scales.ts';
import type { Theme } from './view.ts';

/** What a person has chosen for every session, kept in this browser. */
export interface Preferences extends PanelSize {
  readonly theme: Theme;
  readonly keys: boolean;
  /** Factor on the time a token takes on screen; 0 shows none. */
  readonly pace: number;
  /** Size of the type in presenter mode, in percent of the usual one. */
  readonly scale: number;
}

const preferenceKey = 'netsplit.preferences';

export function loadPreferences(): Preferences {
  const preferences: Preferences = { theme: 'auto', keys: true, pace: 1, scale: 150, ...usual };
  try {
    const stored = JSON.parse(localStorage.getItem(preferenceKey) ?? '{}') as Partial<Preferences>;
    return {
      theme: stored.theme === 'light' || stored.theme === 'dark' ? stored.theme : 'auto',
      keys: stored.keys !== false,
      pace: typeof stored.pace === 'number' && [0, 0.5, 1, 2, 4].includes(stored.pace) ? stored.pace : 1,
      scale: scales.find((one) => one === stored.scale) ?? preferences.scale,
      ...readSize(stored),
    };
  } catch {
    return preferences; // storage refused, or not ours: the defaults are good
  }
}

export function savePreferences(preferences: Preferences): void {
  try {
    localStorage.setItem(preferenceKey, JSON.stringify(preferences));
  } catch {
    // private window: the choice lasts until the page closes
  }
}
