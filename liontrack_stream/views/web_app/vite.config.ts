import { fileURLToPath } from 'node:url';
import license from 'rollup-plugin-license';
import { defineConfig } from 'vite';
import { apiDocs } from './build/api-docs.ts';
import { serviceWorkerFiles } from './build/service-worker-files.ts';
import { stamp } from './build/stamp.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// `make web` builds into static/; `npm run dev` asks the API of a worker (API=http://127.0.0.1:4001).
export default defineConfig(({ command }) => ({
  base: command === 'build' ? '/static/' : '/',
  server: { proxy: { '/api': process.env.API ?? 'http://127.0.0.1:4001' } },
  build: {
    outDir: here('../static'),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: { app: here('index.html'), sw: here('src/sw/sw.ts') },
      output: { entryFileNames: (chunk) => (chunk.name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
  },
  plugins: [
    license({
      thirdParty: {
        includePrivate: false,
        output: { file: here('../static/licenses.txt') },
      },
    }),
    serviceWorkerFiles(),
    apiDocs(here('.')),
    stamp(here('.')),
  ],
}));
