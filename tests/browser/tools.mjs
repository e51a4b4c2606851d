/** Where things lie, and the programs that the tests start. */

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createProbe } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
export const FIXTURES = join(ROOT, 'target/tests/browser');

/** A path inside the project. */
export const at = (...parts) => join(ROOT, ...parts);

/** A fixture's bytes. */
export function fixture(name) {
  const path = join(FIXTURES, name);
  if (!existsSync(path)) throw new Error(`${path} is missing: \`python tests/browser/fixtures.py\` makes it`);
  return readFileSync(path);
}

// Whoever ends the tests early ends what they started: `exit` handlers do not run on a bare signal.
process.setMaxListeners(100); // each of them is one
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/** The first of these programs that exists; an environment variable goes before all. */
export function program(variable, ...names) {
  const given = process.env[variable];
  if (given) return given;
  const folders = [at('target/tools/bin'), ...(process.env.PATH ?? '').split(delimiter)];
  for (const name of names) {
    if (name.startsWith('/') && existsSync(name)) return name;
    for (const folder of folders) if (existsSync(join(folder, name))) return join(folder, name);
  }
  throw new Error(`none of ${names.join(', ')} was found: install it or set ${variable}`);
}

/** A TCP port that nobody listens on. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createProbe();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** Starts a program in a process group of its own, so that stop() ends what it started too. */
export function start(command, args, { env = {}, cwd = ROOT } = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const result = {
    output: '',
    stop() {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended already.
      }
    },
    /** Resolves with the match once the output matches. */
    async says(pattern, ms = 20_000) {
      const end = Date.now() + ms;
      for (;;) {
        const match = result.output.match(pattern);
        if (match) return match;
        if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}:\n${result.output}`);
        if (Date.now() > end) throw new Error(`${command} did not say ${pattern} within ${ms} ms:\n${result.output}`);
        await new Promise((r) => setTimeout(r, 50));
      }
    },
  };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (d) => (result.output += d));
  child.on('error', (e) => (result.output += `${e}`));
  process.once('exit', result.stop);
  return result;
}

/** A folder that is gone when the tests end. */
export function temporary(name) {
  const folder = mkdtempSync(join(tmpdir(), `octomask-${name}-`));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** Runs a program to its end; returns what it printed. */
export function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8', ...options });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}
