/**
 * Serves a folder (default: the page in `dist-demo`) on this machine, with the headers that let
 * threads share memory.
 *
 *     PORT=8080 node serve.mjs [folder] [--no-isolation]
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.tflite': 'application/octet-stream',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webm': 'video/webm',
  '.mp4': 'video/mp4',
};

const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

const args = process.argv.slice(2);
const isolated = !args.includes('--no-isolation');
const folder = args.find((arg) => !arg.startsWith('--'));
const root = folder ? resolve(folder) : fileURLToPath(new URL('dist-demo', import.meta.url));
const port = Number(process.env.PORT ?? 8080);

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** The file that a path names, or `undefined`: never one outside of the folder. */
async function find(pathname) {
  let file = join(root, normalize(decodeURIComponent(pathname)));
  if (file !== root && !file.startsWith(root + sep)) return undefined;
  let info = await stat(file).catch(() => undefined);
  if (info?.isDirectory()) {
    file = join(file, 'index.html');
    info = await stat(file).catch(() => undefined);
  }
  return info?.isFile() ? { file, size: info.size } : undefined;
}

const server = createServer(async (request, response) => {
  const headers = { 'Cache-Control': 'no-cache', ...(isolated && ISOLATION) };
  const answer = (status, text) => response.writeHead(status, { ...headers, 'Content-Type': 'text/plain' }).end(`${text}\n`);
  try {
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, 'Only GET and HEAD');
    const found = await find(new URL(request.url, 'http://localhost').pathname);
    if (!found) return answer(404, 'Not found');
    response.writeHead(200, {
      ...headers,
      'Content-Type': TYPES[extname(found.file)] ?? 'application/octet-stream',
      'Content-Length': found.size,
    });
    if (request.method === 'HEAD') return response.end();
    createReadStream(found.file).on('error', () => response.destroy()).pipe(response);
  } catch {
    answer(400, 'Bad request');
  }
});

if (!(Number.isInteger(port) && port >= 0 && port < 65536)) fail(`PORT must be a number from 0 to 65535, got ${process.env.PORT}`);
if (!(await stat(root).catch(() => undefined))?.isDirectory()) fail(`${root} is not there: build it first (npm run build)`);
server.on('error', (error) => {
  fail(error.code === 'EADDRINUSE' ? `Port ${port} is taken: choose another one with PORT=${port + 1}` : error.message);
});
server.listen(port, () => {
  console.log(`http://localhost:${server.address().port}/${isolated ? '' : ' (without isolation: one thread)'}`);
});
