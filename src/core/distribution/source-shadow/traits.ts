import type { Neighbours, Traits } from '../../room/traits.ts';
import type { Field } from '../../xep/xep0004.ts';
import { shadowsField, sourceField } from '../../xep/xep0281.ts';
import { NS } from '../../xmpp/namespaces.ts';
import type { SourceConfig } from '../config.ts';
import { backgroundFields, contradiction, sourceFields } from './config-fields.ts';
import { shadowsOf } from './linking.ts';

const shared = {
  features: [NS.dmuc1, NS.ext],
  keepsChanges: false,
  // §3.7: what others missed in a split is told from what is at hand.
  atHandLimits: { count: 10_000, bytes: 16 * 1024 * 1024 },
  givesOccupantIds: true,
  listsAreCopied: true,
  reaches: ({ home }) => home === undefined,
} as const satisfies Partial<Traits>;

/** "first among equals": it decides about everybody. */
export function sourceTraits({ distribute }: SourceConfig): Traits {
  return {
    ...shared,
    configFields: distribute === 'background' ? backgroundFields : sourceFields,
    contradiction,
    // Decision #209: whoever is sent to a shadow can see that the source knows it.
    infoFields: (room) => {
      const values = shadowsOf(room);
      return values.length === 0 ? [] : [{ var: shadowsField, type: 'jid-multi', label: 'Shadows', values }];
    },
    decidesAbout: () => true,
    mayRemove: () => true,
  };
}

export const shadowTraits: Traits = {
  ...shared,
  configFields: [],
  infoFields,
  decidesAbout: ({ home }) => home === undefined,
  mayRemove: ({ home }) => home === undefined,
};

/** §3.3 Example 16. */
function infoFields({ of }: Neighbours): readonly Field[] {
  return of === undefined ? [] : [{ var: sourceField, type: 'jid-single', label: 'Source Room', values: [of] }];
}
