/** Says in `build.json` which sources a build was made of; a test compares that with the sources that are there. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { Plugin } from 'vite';

/** What a build depends on. `tests/views/test_web_build.py` reads this list here. */
export const SOURCES = [
  'biome.json',
  'build',
  'docs',
  'index.html',
  'package-lock.json',
  'package.json',
  'public',
  'src',
  'tsconfig.json',
  'vite.config.ts',
];

function filesOf(path: string): string[] {
  return statSync(path).isDirectory() ? readdirSync(path).flatMap((name) => filesOf(join(path, name))) : [path];
}

/** SHA-256 over names and contents of the sources, sorted by name. */
export function sourcesHash(root: string): string {
  const names = SOURCES.flatMap((name) => filesOf(join(root, name))).map((path) =>
    relative(root, path).split(sep).join('/'),
  );
  const hash = createHash('sha256');
  for (const name of names.sort())
    hash
      .update(`${name}\0`)
      .update(readFileSync(join(root, name)))
      .update('\0');
  return hash.digest('hex');
}

/** Adds `build.json` to the build. */
export function stamp(root: string): Plugin {
  return {
    name: 'stamp',
    apply: 'build',
    generateBundle() {
      const text = `${JSON.stringify({ sources: SOURCES, sources_sha256: sourcesHash(root) }, null, 2)}\n`;
      this.emitFile({ type: 'asset', fileName: 'build.json', source: text });
    },
  };
}
