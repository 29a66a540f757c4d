import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Sources } from './imports.js';

/** The project's root. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** The TypeScript files below these folders. */
export function readSources(...folders: readonly string[]): Sources {
  const sources = new Map<string, string>();
  for (const folder of folders) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      const file = `${folder}/${name.replaceAll('\\', '/')}`;
      if (file.endsWith('.ts')) sources.set(file, readFileSync(join(root, file), 'utf8'));
    }
  }
  return sources;
}

/** `text` without its comments, for checks of code. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
}
