/** Tells the service worker which files make up the dashboard, and names this build. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

const WORKER = 'sw.js';
const NOT_SHELL = [WORKER, 'build.json', 'licenses.txt'];
const FILES = '__SHELL_FILES__';
const VERSION = '__SHELL_VERSION__';

/** Writes the addresses of all files of the build, and a hash of them, into `sw.js`. */
export function serviceWorkerFiles(): Plugin {
  return {
    name: 'service-worker-files',
    apply: 'build',
    enforce: 'post',
    generateBundle(_, bundle) {
      const worker = bundle[WORKER];
      if (worker?.type !== 'chunk') throw new Error(`${WORKER} is missing`);
      if (worker.imports.length) throw new Error(`${WORKER} must stand alone, it imports ${worker.imports}`);
      const hash = createHash('sha256');
      const names = Object.keys(bundle)
        .filter((name) => !NOT_SHELL.includes(name))
        .sort();
      for (const name of names) {
        const file = bundle[name];
        hash.update(name).update(file?.type === 'chunk' ? file.code : (file?.source ?? ''));
      }
      for (const icon of readdirSync('public/icons').sort()) hash.update(readFileSync(`public/icons/${icon}`));
      hash.update(worker.code);
      const files = names.map((name) => (name === 'index.html' ? '/' : `/static/${name}`));
      files.push('/manifest.webmanifest', '/static/icons/icon.svg', '/static/icons/icon-192.png');
      worker.code = worker.code
        .replace(FILES, files.sort().join(' '))
        .replace(VERSION, hash.digest('hex').slice(0, 12));
    },
  };
}
