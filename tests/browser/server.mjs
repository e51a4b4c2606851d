/** A static server for the tests: any folders, with or without the isolation headers. */

import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.png': 'image/png',
  '.webm': 'video/webm',
};
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'cross-origin',
};

/**
 * Serves `folders` ({'/prefix/': folder}) and `pages` ({'/path': html}), other texts than HTML as
 * {type, body}. Returns {url, close}.
 * Requests for what is in neither, or starts with one of `missing`, get 404. `csp` is the
 * Content-Security-Policy of everything; with `cors`, pages of other origins may read it; with `cache`,
 * browsers may keep it.
 */
export async function serve({ folders = {}, pages = {}, isolated = true, missing = [], csp, cors = false, cache = false }) {
  const prefixes = Object.keys(folders).sort((a, b) => b.length - a.length);
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
    const headers = {
      'Cache-Control': cache ? 'max-age=3600' : 'no-store',
      ...(isolated ? ISOLATION : {}),
      ...(cors ? { 'Access-Control-Allow-Origin': '*' } : {}),
      ...(csp ? { 'Content-Security-Policy': csp } : {}),
    };
    const absent = missing.some((m) => path.startsWith(m));
    if (!absent && path in pages) {
      const { type, body } = pages[path].body === undefined ? { type: '.html', body: pages[path] } : pages[path];
      response.writeHead(200, { ...headers, 'Content-Type': TYPES[type] }).end(body);
      return;
    }
    const prefix = prefixes.find((p) => path.startsWith(p));
    const inside = prefix === undefined ? undefined : normalize(path.slice(prefix.length - 1));
    const file = inside && join(folders[prefix], inside.endsWith('/') ? `${inside}index.html` : inside);
    const found = file && statSync(file, { throwIfNoEntry: false });
    if (absent || !found?.isFile()) {
      response.writeHead(404, { ...headers, 'Content-Type': 'text/plain' }).end(`no ${path}`);
      return;
    }
    const type = TYPES[extname(file)] ?? 'application/octet-stream';
    response.writeHead(200, { ...headers, 'Content-Type': type, 'Content-Length': found.size });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://localhost:${server.address().port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
