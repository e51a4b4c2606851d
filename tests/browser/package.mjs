/** The npm tarball, installed as a user would: every browser test runs what is published. */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serve } from './server.mjs';
import { FIXTURES, at, run } from './tools.mjs';

/** The folder with `node_modules/octomask` in it. Installed anew when the tarball has changed. */
export function installed() {
  const tarball = at('target/package/octomask.tgz');
  if (!existsSync(tarball)) throw new Error(`${tarball} is missing: \`make package\` makes it`);
  const digest = createHash('sha256').update(readFileSync(tarball)).digest('hex');
  const folder = at('target/tests/installed');
  const stamp = join(folder, 'stamp');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== digest) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    run('npm', ['install', '--no-audit', '--no-fund', '--offline', tarball], { cwd: folder });
    writeFileSync(stamp, digest);
  }
  return folder;
}

/** The folder that a web server has to offer: index.js, worker.js, wasm, models. */
export const dist = () => join(installed(), 'node_modules/octomask/dist');

/** Serves the package at /octomask/, the fixtures at /fixtures/, an empty page at /. */
export function servePackage(options = {}) {
  const { folders, pages, ...rest } = options;
  return serve({
    folders: {
      '/octomask/': dist(),
      '/fixtures/': FIXTURES,
      '/conformance/': at('target/tests/conformance'),
      '/in-page/': at('tests/browser/in-page'),
      ...folders,
    },
    pages: { '/': '<!doctype html><meta charset="utf-8"><title>Test</title><link rel="icon" href="data:,">', ...pages },
    ...rest,
  });
}
