/** Loading what a user names: app modules and storage adapters. */

import { RamaxError } from '../core/errors.js';
import { type LoadedApp, loadApp } from '../core/loaded-app.js';
import type { StorageAdapter, StorageRef } from '../storage/adapter.js';

/**
 * Imports an app module and checks its default export.
 *
 * @throws {RamaxError} `invalid_app`
 */
export async function loadAppModule(url: string): Promise<LoadedApp> {
  const module = await importModule(url, 'invalid_app', 'the app module');
  return loadApp(module['default']);
}

/**
 * Imports a storage adapter.
 *
 * @throws {RamaxError} `invalid_input`
 */
export async function loadAdapter(ref: StorageRef): Promise<StorageAdapter> {
  const module = await importModule(ref.module, 'invalid_input', 'the storage module');
  const adapter = module['adapter'];
  if (typeof adapter === 'object' && adapter !== null && 'openLog' in adapter)
    return adapter as StorageAdapter;
  throw new RamaxError('invalid_input', `the storage module ${ref.module} has no export 'adapter'`, {
    details: { field: 'storage', module: ref.module },
  });
}

async function importModule(
  url: string,
  code: 'invalid_app' | 'invalid_input',
  what: string,
): Promise<Record<string, unknown>> {
  try {
    return (await import(url)) as Record<string, unknown>;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new RamaxError(code, `${what} ${url} does not load: ${message}`, {
      cause,
      details: { field: code === 'invalid_app' ? 'app' : 'storage', module: url },
    });
  }
}
