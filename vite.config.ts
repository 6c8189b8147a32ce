import { defineConfig } from 'vite';
import { netsplit } from './src/headless/vite-plugin.ts';

const listen = { host: '127.0.0.1', port: Number(process.env['PORT'] || 5173), strictPort: true };

export default defineConfig({
  plugins: [netsplit({ scenarioFile: process.env['NETSPLIT_SCENARIO_FILE'] })],
  server: listen,
  preview: listen,
  // The workers' libraries are found by their entries; found late, they would cost a reload of the page.
  optimizeDeps: { entries: ['index.html', 'src/worker/*.worker.ts'] },
  worker: { format: 'es' },
  build: { target: 'es2022', sourcemap: true, chunkSizeWarningLimit: 1000 },
});
