import { defineConfig } from 'vitest/config';
export default defineConfig({ test: { include: ['test/{spec,security,scenario}/**/*.test.ts','test/unit/{distribution,net,occupant,room,scenario,xmpp,ui}/**/*.test.ts'], maxWorkers: 2, testTimeout: 60000, pool: 'threads', isolate: true } });
