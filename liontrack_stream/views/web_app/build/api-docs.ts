/** Copies what the page at `/docs` is made of, its licence included, beside the dashboard. */

import { copyFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import type { Plugin } from 'vite';

const PAGE = ['docs/index.html', 'docs/docs.js'];
const VENDOR = ['swagger-ui.css', 'swagger-ui-bundle.js', 'swagger-ui-bundle.js.LICENSE.txt'];
const TEXTS = ['LICENSE', 'NOTICE'];

/** After the build, for these files are no part of the dashboard and its service worker keeps none of them. */
export function apiDocs(root: string): Plugin {
  const vendor = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  return {
    name: 'api-docs',
    apply: 'build',
    writeBundle({ dir }) {
      const target = join(dir ?? '', 'docs');
      mkdirSync(target, { recursive: true });
      for (const file of PAGE.map((name) => join(root, name)).concat(VENDOR.map((name) => join(vendor, name)))) {
        copyFileSync(file, join(target, basename(file)));
      }
      for (const name of TEXTS) copyFileSync(join(vendor, name), join(target, `${name}.txt`));
    },
  };
}
