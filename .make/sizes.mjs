// sizes.mjs BUILD...: prints the size of each wasm build, raw and as a server would send it, and fails above the limit.
import { readFileSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';

const LIMIT = 250 * 1024; // bytes under brotli, a build

const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`.padStart(11);
let tooLarge = 0;
console.log(`${'build'.padEnd(16)}${'raw'.padStart(11)}${'brotli'.padStart(11)}`);
for (const build of process.argv.slice(2)) {
  const wasm = readFileSync(`target/wasm/${build}/octomask_bg.wasm`);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: wasm.length };
  const sent = brotliCompressSync(wasm, { params }).length;
  console.log(build.padEnd(16) + kib(wasm.length) + kib(sent));
  if (sent > LIMIT) tooLarge += 1;
}
if (tooLarge > 0) {
  console.error(`${tooLarge} of the builds above the limit of ${kib(LIMIT).trim()} under brotli`);
  process.exit(1);
}
