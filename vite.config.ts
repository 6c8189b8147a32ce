import { defineConfig, type Plugin } from 'vite';
import { specification } from './src/headless/specification.ts';
import { netsplit } from './src/headless/vite-plugin.ts';

const listen = { host: '127.0.0.1', port: Number(process.env['PORT'] || 5173), strictPort: true };

/**
 * @xmpp/client can look servers up in the DNS. Its manifest leaves that out of browsers, but under another name than the
 * one it imports, so every build would warn. The workers are given an address and never look one up.
 */
const withoutDns: Plugin = {
  name: 'netsplit:without-dns',
  enforce: 'pre',
  resolveId: { filter: { id: /^node:dns$/ }, handler: () => '\0without-dns' },
  load: { filter: { id: /^\0without-dns$/ }, handler: () => 'export default {};' },
};

export default defineConfig({
  // There is one page: what else is asked for and is not there is answered with 404, not with the page.
  appType: 'mpa',
  plugins: [
    netsplit({
      scenarioFile: process.env['NETSPLIT_SCENARIO_FILE'],
      token: process.env['NETSPLIT_TOKEN'],
      publicUrl: process.env['NETSPLIT_PUBLIC_URL'],
      frameAncestors: process.env['NETSPLIT_FRAME_ANCESTORS']?.split(' ') ?? [],
      gateway: process.env['NETSPLIT_GATEWAY'] ? JSON.parse(process.env['NETSPLIT_GATEWAY']) : undefined,
      budgets: JSON.parse(process.env['NETSPLIT_BUDGETS'] ?? '{}'),
    }),
    specification(),
  ],
  // Relative, so that the files work in any folder of any web server.
  base: './',
  server: listen,
  preview: listen,
  // The workers' libraries are found by their entries; found late, they would cost a reload of the page.
  optimizeDeps: { entries: ['index.html', 'src/worker/*.worker.ts'] },
  worker: { format: 'es', plugins: () => [withoutDns] },
  build: { target: 'es2022', sourcemap: true, chunkSizeWarningLimit: 1000 },
});
